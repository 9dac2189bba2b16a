"""The double of Supabase Storage serves the official Python client as the service does, its refusals included."""

import base64
import json
import os
import urllib.error
import urllib.request

import httpx
import pytest
from storage3 import SyncStorageClient
from storage3.exceptions import StorageApiError

from http_double import Fault
from supabase_double import SupabaseDouble
from supabase_errors import ERRORS, StorageError
from supabase_uploads import PIECE


@pytest.fixture
def double():
    with SupabaseDouble() as double:
        yield double


def client(double, key=None):
    key = key or double.key
    return SyncStorageClient(f"{double.url}/storage/v1/", {"Authorization": f"Bearer {key}", "apikey": key})


def refusal(body):
    with pytest.raises(StorageApiError) as caught:
        body()
    return str(caught.value.status), caught.value.code


def test_uploads_replaces_lists_reads_and_removes(double):
    bucket = client(double).from_("sessions")
    assert bucket.upload("a/b/one.txt", b"one").full_path == "sessions/a/b/one.txt"
    assert refusal(lambda: bucket.upload("a/b/one.txt", b"two")) == ("409", "Duplicate")
    assert bucket.download("a/b/one.txt") == b"one"
    before = bucket.info("a/b/one.txt")
    bucket.upload("a/b/one.txt", b"two", {"x-upsert": "true"})
    after = bucket.info("a/b/one.txt")
    assert bucket.download("a/b/one.txt") == b"two"
    assert before["id"] == after["id"] and before["version"] != after["version"] and after["size"] == 3
    bucket.update("a/b/one.txt", b"three")
    assert refusal(lambda: bucket.update("a/none", b"three")) == ("404", "not_found")
    assert bucket.exists("a/b/one.txt") and not bucket.exists("a/b/none")
    assert [entry["name"] for entry in bucket.remove(["a/b/one.txt", "a/none"])] == ["a/b/one.txt"]
    assert double.objects() == {}


def test_lists_one_level_by_page_and_everything_by_cursor(double):
    bucket = client(double).from_("sessions")
    names = [f"sessions/s{number % 5}/{number:03}.txt" for number in range(23)] + ["sessions/top.txt"]
    for name in names:
        bucket.upload(name, b"x")
    level = bucket.list("sessions", {"limit": 100})
    assert [(entry["name"], entry["id"] is None) for entry in level] \
        == [(f"s{number}", True) for number in range(5)] + [("top.txt", False)]
    pages = [entry["name"] for first in range(0, 8, 2) for entry in bucket.list("sessions", {"limit": 2, "offset": first})]
    assert pages == [entry["name"] for entry in level]
    found, cursor = [], None
    while True:
        page = bucket.list_v2({"prefix": "sessions/", "limit": 7, **({"cursor": cursor} if cursor else {})})
        found += [each.name for each in page.objects]
        assert len(page.objects) <= 7 and not page.folders
        if not page.hasNext:
            break
        cursor = page.nextCursor
    assert found == sorted(names)
    below = bucket.list_v2({"prefix": "sessions/", "with_delimiter": True})
    assert [each.name for each in below.folders] == [f"sessions/s{number}/" for number in range(5)]
    assert [each.name for each in below.objects] == ["sessions/top.txt"]


def test_whether_a_signed_upload_may_replace_is_decided_when_it_is_signed(double):
    bucket = client(double).from_("sessions")
    signed = bucket.create_signed_upload_url("a/one.txt")
    bucket.upload_to_signed_url("a/one.txt", signed["token"], b"one")
    # The header says yes, the token says no.
    assert refusal(lambda: bucket.upload_to_signed_url(
        "a/one.txt", signed["token"], b"two", {"headers": {"x-upsert": "true"}})) == ("409", "Duplicate")
    assert refusal(lambda: bucket.create_signed_upload_url("a/one.txt")) == ("409", "Duplicate")
    url = f"{double.url}/storage/v1/object/upload/sign/sessions/a/one.txt"
    token = httpx.post(url, headers={"Authorization": f"Bearer {double.key}", "x-upsert": "true"}).json()["token"]
    bucket.upload_to_signed_url("a/one.txt", token, b"two")
    assert double.objects()["a/one.txt"].data == b"two"
    assert refusal(lambda: bucket.upload_to_signed_url("a/two.txt", token, b"two"))[1] == "InvalidSignature"
    # It is good for a minute.
    place, upsert, _ = double.tokens[token]
    double.tokens[token] = place, upsert, 0
    assert refusal(lambda: bucket.upload_to_signed_url("a/one.txt", token, b"two"))[1] == "ExpiredToken"


def test_a_key_sees_what_its_policies_let_it_see(double):
    double.keys["anon"] = frozenset()
    client(double).from_("sessions").upload("a/one.txt", b"one")
    stranger, anon = (client(double, key).from_("sessions") for key in ("nobody", "anon"))
    assert refusal(lambda: stranger.download("a/one.txt")) == ("400", "InvalidJWT")
    assert refusal(lambda: anon.upload("a/two.txt", b"two")) == ("403", "Unauthorized")
    assert refusal(lambda: anon.download("a/one.txt")) == ("404", "not_found")
    assert anon.list("a") == []


@pytest.mark.parametrize("key", ["ä/b", "a%b", "a#b", "a~b", "a[b", "a\\b", "a\nb"])
def test_refuses_keys_that_the_service_refuses(double, key):
    bucket = client(double).from_("sessions")
    url = f"{double.url}/storage/v1/object/sessions/" + urllib.request.quote(key)
    answer = httpx.post(url, content=b"x", headers={"Authorization": f"Bearer {double.key}"})
    assert answer.status_code == 400 and answer.json()["code"] == "InvalidKey"
    assert bucket.list("") == []


@pytest.mark.parametrize("code", ERRORS)
def test_the_status_of_a_refusal_is_not_what_its_body_says(double, code):
    """400 whatever the body says, but for 500, 429 and 544."""
    error = StorageError(code)
    double.fault("GET", "one.txt", Fault(error=error))
    answer = httpx.get(f"{double.url}/storage/v1/object/authenticated/sessions/one.txt",
                       headers={"Authorization": f"Bearer {double.key}"})
    assert answer.json()["statusCode"] == str(ERRORS[code][0]) and answer.json()["code"] == code
    assert answer.status_code == (ERRORS[code][0] if ERRORS[code][0] in (500, 429, 544) else 400)


def resumable(double, method, url="", content=b"", **headers):
    url = url or f"{double.url}/storage/v1/upload/resumable"
    return httpx.request(method, url, content=content, headers={
        "Authorization": f"Bearer {double.key}", "Tus-Resumable": "1.0.0", **headers})


def metadata(**values):
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def test_a_long_object_comes_in_pieces_and_goes_on_where_it_broke_off(double):
    data = os.urandom(PIECE + 1000)
    begun = resumable(double, "POST", **{
        "Upload-Length": str(len(data)),
        "Upload-Metadata": metadata(bucketName="sessions", objectName="a/long", contentType="text/plain")})
    place = begun.headers["Location"]
    assert begun.status_code == 201

    def piece(first, last):
        return resumable(double, "PATCH", place, data[first:last], **{
            "Upload-Offset": str(first), "Content-Type": "application/offset+octet-stream"})

    assert piece(0, 1000).status_code == 400, "a piece has 6 MiB"
    assert piece(0, PIECE).headers["Upload-Offset"] == str(PIECE)
    again = piece(0, PIECE)
    assert again.status_code == 409 and "offset" in again.text
    double.uploads.locked = 1
    assert piece(PIECE, len(data)).status_code == 423
    assert resumable(double, "HEAD", place).headers["Upload-Offset"] == str(PIECE)
    assert "a/long" not in double.objects()
    assert piece(PIECE, len(data)).status_code == 204
    assert double.objects()["a/long"].data == data
    taken = resumable(double, "POST", **{
        "Upload-Length": "1", "Upload-Metadata": metadata(bucketName="sessions", objectName="a/long")})
    assert (taken.status_code, taken.text) == (409, "The resource already exists")
    double.uploads.expire()
    assert resumable(double, "HEAD", place).status_code == 410
    assert resumable(double, "HEAD", place + "x").status_code == 404


def test_an_old_server_takes_the_new_listing_for_an_upload(double):
    double.has_list_v2 = False
    url = f"{double.url}/storage/v1/object/list-v2/sessions"
    answer = httpx.post(url, json={"prefix": ""}, headers={"Authorization": f"Bearer {double.key}"})
    assert answer.status_code == 400 and json.loads(answer.text)["code"] == "NoSuchBucket"


def test_a_request_that_is_not_for_storage_is_answered_by_the_gateway(double):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{double.url}/rest/v1/x")
    assert caught.value.code == 404 and b"no Route" in caught.value.read()
