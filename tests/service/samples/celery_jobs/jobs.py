"""What happens after an order: a call to the warehouse, tried again when the line is bad."""

import os

import requests
from celery import Celery

app = Celery("jobs", broker=os.environ["BROKER_URL"])


@app.task(autoretry_for=(requests.ConnectionError,), retry_kwargs={"max_retries": 5, "countdown": 0})
def reserve(order):
    requests.post(os.environ["OUTSIDE"] + "/reserve", json={"order": order}, timeout=5).raise_for_status()


@app.task
def ping():
    print("pong")
