"""Short links: announces each new one."""

import os
import sys

from aiohttp import ClientSession, web

routes = web.RouteTableDef()


@routes.get("/health")
async def health(request):
    return web.json_response({"status": "ok"})


@routes.post("/links")
async def create(request):
    link = await request.json()
    async with ClientSession() as session:
        async with session.post(os.environ["OUTSIDE"] + "/announce", json=link) as answer:
            return web.json_response(await answer.json(), status=201)


def main():
    app = web.Application()
    app.add_routes(routes)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]))


if __name__ == "__main__":
    main()
