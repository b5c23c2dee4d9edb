"""What the agent can do."""

import json
import os
import smtplib
import sqlite3
import subprocess
import sys
import urllib.request
from email.message import EmailMessage

PAYMENTS_URL = os.environ.get("PAYMENTS_URL", "http://127.0.0.1:8089")
LEDGER = os.environ.get("LEDGER", "ledger.db")


def refund(order, amount):
    """Gives the customer the money back."""
    body = json.dumps({"order": order, "amount": amount}).encode()
    request = urllib.request.Request(
        f"{PAYMENTS_URL}/v1/refunds", data=body, headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def record(order, amount):
    """Writes the refund into the ledger."""
    with sqlite3.connect(LEDGER) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS refunds (order_id INTEGER, amount INTEGER)")
        connection.execute("INSERT INTO refunds (order_id, amount) VALUES (?, ?)", (order, amount))
    connection.close()
    return {"recorded": order}


def receipt(order):
    """Prints a receipt with the shop's own program."""
    program = "import sys; print(f'receipt for order {sys.argv[1]}')"
    printed = subprocess.run(
        [sys.executable, "-c", program, str(order)], capture_output=True, text=True, check=True
    )
    return {"receipt": printed.stdout.strip()}


def notify(order, recipient):
    """Tells the customer."""
    message = EmailMessage()
    message["From"] = "support@shop.example"
    message["To"] = recipient
    message["Subject"] = f"Your refund for order {order}"
    message.set_content("The money is on its way.")
    host, port = os.environ.get("SMTP_HOST", "localhost"), int(os.environ.get("SMTP_PORT", "8025"))
    with smtplib.SMTP(host, port, timeout=5) as server:
        server.send_message(message)
    return {"notified": recipient}
