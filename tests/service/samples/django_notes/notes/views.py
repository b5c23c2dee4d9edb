import os
import urllib.request

from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


def health(request):
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_POST
def share(request):
    with urllib.request.urlopen(os.environ["OUTSIDE"] + "/share", data=request.body, timeout=5) as answer:
        return HttpResponse(answer.read(), content_type="application/json", status=201)


@csrf_exempt
@require_POST
def clear(request):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM notes")
    return HttpResponse(status=204)
