"""A problem as a teacher sees it: messages, the rendered prompt, and the start that is forced.

Rendering follows `apply_chat_template` of transformers (same Jinja environment, same globals), so
that what vLLM is given is what the model was trained on, without importing transformers. Not
covered: templates that need tools or documents.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from factory.digest import digest
from factory.errors import RecipeError, TeacherError
from factory.models import Model, resolve_model
from factory.template_clock import strftime_now
from schemas.generate_settings import Generate, Prompt
from schemas.problem import Problem
from schemas.sample import Message
from schemas.teacher_settings import VllmTeacher

_OPEN_THINK: Final = re.compile(r"<think>\s*\Z")
_TEMPLATE_FILES: Final = ("chat_template.jinja", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class Rendered:
    """What is sent for one problem."""

    messages: list[Message]
    text: str
    """The whole prompt as text; empty where the server renders it itself."""
    forced: str
    """The start of the completion that the prompt already holds; stored before the completion."""
    digest: str
    """`prompt_digest` of a candidate."""


def messages_for(problem: Problem, prompt: Prompt) -> list[Message]:
    """The system message, where there is one, earlier turns, where there are, and the user's.

    A conversation that is passed through stays as it is: its own turns and nothing of `prompt`.
    """
    if problem.author:
        return [*problem.history, Message(role="user", content=problem.statement)]
    template = prompt.templates.get(problem.domain, "{statement}")
    user = Message(role="user", content=template.replace("{statement}", problem.statement))
    own = [Message(role="system", content=prompt.system)] if prompt.system else []
    return [*own, *problem.history, user]


class ChatTemplate:
    """The chat template of one model.

    Args:
        folder: Where `chat_template.jinja` or `tokenizer_config.json` lies.

    Raises:
        TeacherError: There is no template, or it is not valid Jinja.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        config = _json(folder / "tokenizer_config.json")
        special = {**_json(folder / "special_tokens_map.json"), **config}
        self._tokens = {
            key: value["content"] if isinstance(value, dict) else value
            for key, value in special.items()
            if key.endswith("_token") and isinstance(value, str | dict)
        }
        source = _source(folder, config)
        if source is None:
            raise TeacherError(
                f"model {name}: expected a chat template in chat_template.jinja or "
                f"tokenizer_config.json of {folder}, found none; use a chat or instruct model, or "
                f"add the template to the folder"
            )
        self.digest = hashlib.sha256(source.encode()).hexdigest()
        """SHA-256 of the template's source."""
        try:
            self._template = _environment().from_string(source)
        except TemplateError as error:
            raise TeacherError(f"model {name}: its chat template is not valid: {error}") from error

    def render(self, messages: list[Message], arguments: Mapping[str, Any] | None = None) -> str:
        """The prompt as text, up to where the assistant's turn begins.

        Args:
            arguments: Further variables of the template, e.g. `enable_thinking`.

        Raises:
            TeacherError: The template refuses these messages.
        """
        try:
            return self._template.render(
                messages=[message.model_dump() for message in messages],
                tools=None,
                documents=None,
                add_generation_prompt=True,
                **{**self._tokens, **(arguments or {})},
            )
        except TemplateError as error:
            raise TeacherError(
                f"model {self._name}: its chat template refuses the prompt ({error}); change "
                f"[generate.prompt], for some models the system message must be empty"
            ) from error


def render(problem: Problem, prompt: Prompt, template: ChatTemplate | None) -> Rendered:
    """What to send for a problem, and the digest of it.

    A reasoning problem gets `think_prefix` after the template's own text, another `plain_prefix`.
    A template that ends with an open `<think>` itself is not given a second one; what it forces
    belongs to the completion all the same.

    Args:
        template: None where the server renders the messages itself.

    Raises:
        RecipeError: A prefix is asked for, but the server renders.
        TeacherError: The template refuses the messages.
    """
    prefix = prompt.think_prefix if problem.reasoning else prompt.plain_prefix
    return render_messages(
        messages_for(problem, prompt), template, prefix=prefix, arguments=prompt.template_args
    )


def render_messages(
    messages: list[Message],
    template: ChatTemplate | None,
    *,
    prefix: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> Rendered:
    """What to send for messages, with the start that is forced; as `render`."""
    if template is None:
        if prefix:
            raise RecipeError(
                "generate.prompt: expected no think_prefix and no plain_prefix with engine "
                f"`openai`, found {prefix!r}; chat endpoints cannot be made to begin with it"
            )
        named: dict[str, Any] = {"template_args": dict(arguments)} if arguments else {}
        return Rendered(messages, "", "", digest({"messages": messages, **named}))
    text = template.render(messages, arguments)
    opened = _OPEN_THINK.search(text)
    forced = opened.group() if opened else ""
    if not (forced and prefix.strip() == "<think>"):
        added = prefix[len(forced) :] if forced and prefix.startswith(forced) else prefix
        text, forced = text + added, forced + added
    return Rendered(messages, text, forced, digest({"prompt": text}))


def chat_template(model: Model) -> ChatTemplate:
    """The template of a model; of a hub model only the few small files that hold it are fetched.

    Raises:
        TeacherError: The hub could not be reached, or there is no template.
    """
    if model.is_local:
        return ChatTemplate(Path(model.location), model.name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        folder = snapshot_download(
            model.location, revision=model.revision, allow_patterns=list(_TEMPLATE_FILES)
        )
    except (OSError, HfHubHTTPError) as error:
        raise TeacherError(
            f"model {model.identity}: cannot read its chat template from the hub ({error}); check "
            f"the name, the revision and the network, or download the model and name its folder"
        ) from error
    return ChatTemplate(Path(folder), model.name)


def template_digests(generate: Generate) -> dict[str, str]:
    """Teacher, as rows name it -> digest of the template that it is asked with; those that Retort
    serves itself. What endpoints make of messages is not known. A model that rewrites is no
    teacher: its rows show the prompt that the teacher saw.

    Raises:
        RecipeError: A model is not there.
        TeacherError: A template cannot be read.
    """
    teachers = [generate.asking(reasoning=one)[0] for one in (True, False)]
    models = {
        resolve_model(teacher.model, teacher.revision)
        for teacher in teachers
        if isinstance(teacher, VllmTeacher)
    }
    return {model.identity: chat_template(model).digest for model in models}


def _source(folder: Path, config: dict[str, Any]) -> str | None:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    found = config.get("chat_template")
    if isinstance(found, list):
        named = {one["name"]: one["template"] for one in found}
        return named.get("default")
    return found if isinstance(found, str) else None


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    own: dict[str, Any] = {"raise_exception": _raise_exception, "strftime_now": strftime_now}
    environment.globals.update(own)
    return environment


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise_exception(message: str) -> None:
    raise TemplateError(message)
