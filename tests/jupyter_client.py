"""Cells run by a Jupyter server, as a browser has them run."""

import asyncio
import json
import uuid
from typing import Any

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

PATIENCE_SECONDS = 120


def run_cells(address: str, token: str, path: str, cells: list[str]) -> list[list[dict[str, Any]]]:
    """Return the outputs of cells, run in a kernel that is started for a notebook.

    Args:
        address: The server's, as `http://127.0.0.1:8888`.
        token: What opens it.
        path: The notebook's, as the server names it; it decides where the kernel runs.
        cells: Their code.
    """
    headers = {"Authorization": f"token {token}"}
    session = {"path": path, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    with httpx.Client(base_url=address, headers=headers, timeout=PATIENCE_SECONDS) as client:
        answer = client.post("/api/sessions", json=session)
        assert answer.status_code == 201, answer.text
        kernel = answer.json()["kernel"]["id"]
        url = f"{address.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
        try:
            return asyncio.run(_execute(HTTPRequest(url, headers=headers), cells))
        finally:
            client.delete(f"/api/sessions/{answer.json()['id']}")


async def _execute(channels: HTTPRequest, cells: list[str]) -> list[list[dict[str, Any]]]:
    connection = await websocket_connect(channels)
    outputs = []
    for source in cells:
        message = uuid.uuid4().hex
        request = {
            "channel": "shell",
            "header": {"msg_id": message, "msg_type": "execute_request"},
            "parent_header": {},
            "metadata": {},
            "content": {"code": source, "store_history": True},
        }
        await connection.write_message(json.dumps(request))
        own: list[dict[str, Any]] = []
        while True:
            text = await asyncio.wait_for(connection.read_message(), PATIENCE_SECONDS)
            assert text is not None
            received = json.loads(text)
            if received["parent_header"].get("msg_id") != message or received["channel"] != "iopub":
                continue
            if received["content"].get("execution_state") == "idle":
                break
            if received["msg_type"] in {"stream", "display_data", "execute_result", "error"}:
                own.append({"output_type": received["msg_type"], **received["content"]})
        outputs.append(own)
    connection.close()
    # Its socket is closed once the other side has said goodbye, too.
    while await asyncio.wait_for(connection.read_message(), PATIENCE_SECONDS) is not None:
        pass
    return outputs
