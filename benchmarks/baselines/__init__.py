"""What the service is compared with: three small servers that answer the same requests.

Each is a factory for `uvicorn --factory`; BENCH_MODEL names the file of the model.
"""
