"""release: marks a version and announces it."""

import os
import subprocess

import click
import requests


@click.group()
def cli():
    pass


@cli.command()
@click.argument("mark", type=click.Path())
def tag(mark):
    subprocess.run(["touch", mark], check=True)
    click.echo("tagged")


@cli.command()
@click.argument("version")
def announce(version):
    requests.post(os.environ["OUTSIDE"] + "/announce", json={"version": version}, timeout=5).raise_for_status()
    click.echo("announced")


if __name__ == "__main__":
    cli()
