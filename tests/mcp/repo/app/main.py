"""A refund service, small enough to read in one glance."""

import sqlite3

import requests
from fastapi import FastAPI

app = FastAPI()


@app.post("/refund")
def refund(charge: str) -> dict:
    requests.post("https://api.payments.example/v1/refunds", json={"charge": charge})
    with sqlite3.connect("refunds.db") as connection:
        connection.execute("INSERT INTO refunds (charge) VALUES (?)", (charge,))
    return {"refunded": charge}
