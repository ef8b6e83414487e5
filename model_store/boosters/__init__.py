"""Boosted trees of XGBoost, LightGBM and CatBoost: on the columns of a table, and in a bundle."""
