"""What Gemini refuses of a conversation. Texts of errors are those that the API sends, as users quote them."""

import base64
import binascii
import json
from typing import Any

from tests.fake.gemini_words import bad
from tests.fake.seals import seal

__all__ = ["TEXT_SEAL", "call_seal", "history"]

# ai.google.dev/gemini-api/docs/thought-signatures, FAQ: for histories of other models.
_STAND_INS = ("context_engineering_is_the_way_to_go", "skip_thought_signature_validator")


def call_seal(name: str, arguments: dict[str, Any]) -> str:
    """Return the thought signature of a function call."""
    return seal("gemini", "call", name, json.dumps(arguments, sort_keys=True))


TEXT_SEAL = seal("gemini", "text")
"""The thought signature of texts, which may come back or not: only those of calls are demanded."""


def history(contents: list[dict[str, Any]]) -> tuple[int, int]:
    """Refuse an illegal conversation; return how many signatures and stand-ins came."""
    called: list[dict[str, Any]] = []
    thoughts = unsealed = 0
    asked = max((i for i, one in enumerate(contents) if _is_question(one)), default=0)
    for index, content in enumerate(contents):
        role = content.get("role", "user")
        if role not in ("user", "model", "function"):
            raise bad("Please use a valid role: user, model.")
        if not content["parts"]:
            raise bad(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n")
        for place, part in enumerate(content["parts"]):
            _one_of(index, place, part)
        _answered(content, called)
        called = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        if called and (role != "model" or index == 0 or contents[index - 1].get("role") == "model"):
            raise bad(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        known, stood_in = _signatures(index, content, demanded=index > asked)
        thoughts, unsealed = thoughts + known, unsealed + stood_in
    if called or contents[-1].get("role") == "model":
        raise bad("Please ensure that single turn requests end with a user role or the role field is empty.")
    return thoughts, unsealed


_KINDS = frozenset(
    {"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"}
)


def _one_of(index: int, place: int, part: dict[str, Any]) -> None:
    if len(_KINDS & part.keys()) != 1:
        raise bad(
            f"* GenerateContentRequest.contents[{index}].parts[{place}].data: required oneof field 'data' must have "
            "one initialized field\n"
        )


def _answered(content: dict[str, Any], called: list[dict[str, Any]]) -> None:
    answers = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
    if answers and not called:
        raise bad("Please ensure that function response turn comes immediately after a function call turn.")
    if len(answers) != len(called):
        raise bad(
            "Please ensure that the number of function response parts is equal to the number of function call parts of "
            "the function call turn."
        )
    same_names = sorted(one["name"] for one in answers) == sorted(one["name"] for one in called)
    # Ids may be left out: Google's own SDK does so when it calls functions by itself.
    ids = {call["id"] for call in called if "id" in call}
    given = {answer["id"] for answer in answers if answer.get("id")}
    if not same_names or (ids and given and given != ids):
        raise bad("Please ensure that function response parts match the function call parts of the function call turn.")


def _is_question(content: dict[str, Any]) -> bool:
    return content.get("role", "user") == "user" and not any("functionResponse" in part for part in content["parts"])


def _signatures(index: int, content: dict[str, Any], demanded: bool) -> tuple[int, int]:
    """Check the seals of one content: since the last question, each first call must have one (docs:
    thought-signatures, "Gemini 3")."""
    known = stood_in = 0
    first = demanded
    for place, part in enumerate(content["parts"]):
        signature = part.get("thoughtSignature")
        call = part.get("functionCall")
        if call is not None and first:
            first = False
            if signature is None:
                raise bad(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                    "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                    f"data, function call `default_api:{call['name']}` , position {index + 1}. Please refer to "
                    "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
                )
        if signature is None:
            continue
        right = call_seal(call["name"], call.get("args") or {}) if call else TEXT_SEAL
        if _stand_in(signature):
            stood_in += 1
        # Bytes are base64 of either alphabet (protobuf.dev, "ProtoJSON"): Google's own SDK sends back the other one.
        elif signature.replace("-", "+").replace("_", "/") == right:
            known += 1
        else:
            raise bad(f"Corrupted thought signature. (contents[{index}].parts[{place}])")
    return known, stood_in


def _stand_in(signature: str) -> bool:
    if signature in _STAND_INS:
        return True
    try:
        return base64.b64decode(signature, validate=True).decode() in _STAND_INS
    except (binascii.Error, UnicodeDecodeError):
        return False
