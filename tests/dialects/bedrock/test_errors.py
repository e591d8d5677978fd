"""Errors of Bedrock. Trap 17: the type is in a header."""

import pytest

from steelyard.dialects.bedrock import BEDROCK
from steelyard.dialects.dialect import Told


@pytest.mark.parametrize(
    "header",
    [
        b"ValidationException",
        b"ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/",
        b"com.amazon.bedrock#ValidationException",
        b"aws.protocoltests.restjson#ValidationException:http://internal.amazon.com/coral/com.amazon.coral.validate/",
    ],
)
def test_trap_17_the_type_of_an_error_is_in_a_header(header: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", header)]
    assert BEDROCK.decode_error(b'{"message":"Malformed input request"}', headers) == Told(
        "Malformed input request", "ValidationException"
    )


def test_the_type_may_be_in_the_body() -> None:
    assert BEDROCK.decode_error(b'{"__type":"com.amazon.coral#AccessDeniedException","Message":"No."}', []) == Told(
        "No.", "AccessDeniedException"
    )
    wrong_path = b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}'
    assert BEDROCK.decode_error(wrong_path, []) == Told(
        "The provider answered with UnknownOperationException.", "UnknownOperationException"
    )


def test_a_type_without_a_body_is_an_error() -> None:
    assert BEDROCK.decode_error(b"", [(b"x-amzn-errortype", b"ThrottlingException")]) == Told(
        "The provider answered with ThrottlingException.", "ThrottlingException"
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error": {"message": 7}}', b'{"message": 7}'])
def test_what_is_no_error_of_bedrock_is_none(body: bytes) -> None:
    assert BEDROCK.decode_error(body, [(b"server", b"nginx")]) is None
