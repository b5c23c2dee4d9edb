"""Orders: charges one, mails a receipt."""

import os
import smtplib

import requests
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/health")
def health():
    return jsonify(status="ok")


@app.post("/orders")
def order():
    charge = requests.post(os.environ["OUTSIDE"] + "/charges", json=request.get_json(), timeout=5)
    charge.raise_for_status()
    return jsonify(charge.json()), 201


@app.post("/receipts")
def receipt():
    try:
        with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"]), timeout=5) as server:
            server.sendmail("shop@example.org", "ada@example.org", "Subject: your order\n\nThank you.")
    except OSError:
        return jsonify(error="the mail server does not answer"), 502
    return "", 204
