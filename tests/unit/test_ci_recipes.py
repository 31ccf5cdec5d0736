"""The recipes of docs/CI.md: YAML that parses, actions pinned, no more rights than needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import pytest
import yaml

from tests.support.cli import image_model
from tests.support.repository import Repository
from toolkit.budget.model import Gate, Problem, Result, Verdict
from toolkit.budget.outputs import comment
from toolkit.cli.check import command as command_line

DOCUMENT = Path(__file__).parents[2] / "docs" / "CI.md"
TEMPLATE = Path(__file__).parents[2] / "ci" / "gitlab.yml"
#: What GitLab's documentation allows of what our job says: keywords, and their kinds.
_TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
JOB_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["script"],
    "properties": {
        "image": {"type": "string"},
        "rules": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"if": {"type": "string", "pattern": r"^\$"}},
            },
        },
        "variables": {"type": "object", "additionalProperties": {"type": "string"}},
        "cache": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"paths": _TEXTS, "key": {"type": "string"}},
        },
        "script": _TEXTS,
        "artifacts": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "when": {"enum": ["on_success", "on_failure", "always"]},
                "expose_as": {"type": "string", "maxLength": 64},
                "paths": _TEXTS,
                "reports": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"junit": {"type": "string"}},
                },
            },
        },
    },
}


def recipes() -> dict[str, Any]:
    """Each YAML block by the file name in its first line."""
    if not DOCUMENT.is_file():
        pytest.skip("docs are not part of an installed package")
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    return {name: yaml.safe_load(text) for name, text in blocks}


def gitlab_template() -> dict[str, Any]:
    """ci/gitlab.yml, which pipelines include."""
    data = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def github_command() -> str:
    steps = recipes()[".github/workflows/budget.yml"]["jobs"]["check"]["steps"]
    (command,) = (step["run"] for step in steps if "toolkit check" in step.get("run", ""))
    return str(command)


def test_recipes_parse_and_run_the_check() -> None:
    found = recipes()
    assert set(found) == {
        ".github/workflows/budget.yml",
        ".github/workflows/budget-comment.yml",
        ".gitlab-ci.yml",
    }
    for command in (github_command(), *gitlab_template()["budget"]["script"][1:]):
        words = command.replace("\\\n", " ").partition("toolkit check ")[2].split()
        options = {word for word in words if re.fullmatch("--?[a-z]+", word)} - {"--against"}
        assert options == {"-j", "--cache", "--markdown", "--junit", "--result", "--save"}
        assert options <= {name for option in command_line.params for name in option.opts}


def test_the_gitlab_template_is_a_job_that_the_document_includes() -> None:
    template = gitlab_template()
    jsonschema.validate(template, {"type": "object", "additionalProperties": JOB_SCHEMA})
    shown = recipes()[".gitlab-ci.yml"]
    (include,) = shown["include"]
    assert include["remote"].startswith("https://") and include["remote"].endswith("/ci/gitlab.yml")
    assert set(shown) == {"include", "budget"} and set(template) == {"budget"}
    assert set(shown["budget"]["variables"]) <= set(template["budget"]["variables"])


def test_the_action_runs_the_check_with_options_that_there_are() -> None:
    action = yaml.safe_load((DOCUMENT.parents[1] / "action.yml").read_text(encoding="utf-8"))
    assert set(action) >= {"name", "description", "inputs", "outputs", "runs"}
    assert action["runs"]["using"] == "composite"
    for step in action["runs"]["steps"]:
        assert ("uses" in step) != ("run" in step) and ("shell" in step) == ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])
    script = action["runs"]["steps"][-1]["run"]
    words = script.replace("\\\n", " ").partition("toolkit check ")[2].split()
    options = {word for word in words if re.fullmatch("--?[a-z]+", word)}
    assert options <= {name for option in command_line.params for name in option.opts}
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(action)))
    assert used == set(action["inputs"])


def test_actions_are_pinned_and_write_only_comments() -> None:
    found = recipes()
    check = found[".github/workflows/budget.yml"]
    comment = found[".github/workflows/budget-comment.yml"]
    assert check["permissions"] == {"contents": "read"}
    assert comment["permissions"] == {}
    assert comment["jobs"]["comment"]["permissions"] == {
        "actions": "read",
        "pull-requests": "write",
    }
    for workflow in (check, comment):
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", "a@" + 40 * "0"))
                assert "${{" not in step.get("run", "")
    downloads = [s for s in comment["jobs"]["comment"]["steps"] if "run" in s]
    assert downloads == [], "what writes runs no command"


# --- the comment script, in node against an API that keeps comments -------------------------------

API = """
const fs = require('fs');
const {script, payload, head, comments} = JSON.parse(fs.readFileSync('given.json', 'utf8'));
const calls = [];
const github = {
  paginate: async () => comments,
  rest: {
    pulls: {get: async () => ({data: {head: {sha: head}}})},
    issues: {
      listComments: null,
      updateComment: async (g) => { calls.push({update: g.comment_id, body: g.body}); },
      createComment: async (g) => { calls.push({create: g.issue_number, body: g.body}); },
    },
  },
};
const context = {repo: {owner: 'o', repo: 'r'}, payload};
const run = Object.getPrototypeOf(async () => {}).constructor;
new run('github', 'context', 'require', script)(github, context, require)
  .then(() => process.stdout.write(JSON.stringify(calls)));
"""


def posted(
    folder: Path, text: str | None, old: list[str], head: str = "abc"
) -> list[dict[str, Any]]:
    """What the script of the recipe does where the job left ``text`` and there are comments."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the script of the recipe was not run")
    steps = recipes()[".github/workflows/budget-comment.yml"]["jobs"]["comment"]["steps"]
    given = {
        "script": steps[1]["with"]["script"],
        "payload": {"workflow_run": {"head_sha": "abc", "html_url": "https://ci.example.org/1"}},
        "head": head,
        "comments": [
            {"id": number, "user": {"type": "Bot"}, "body": body} for number, body in enumerate(old)
        ],
    }
    (folder / "given.json").write_text(json.dumps(given), encoding="utf-8")
    (folder / "number.txt").write_text("7\n", encoding="utf-8")
    if text is not None:
        (folder / "comment.md").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [node, "-e", API], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    calls = json.loads(done.stdout)
    assert isinstance(calls, list)
    return calls


def result(title: str = "", problem: bool = False, count: int = 1) -> Result:
    broken = Problem("the model cannot be read") if problem else None
    verdict = Verdict("flash_bytes", "limit", "holds", "at most 1 B", "flash @team 1 B #12")
    gates = (
        Gate(f"m{i} on cortex-m4", "m", "cortex-m4", (verdict,), problem=broken)
        for i in range(count)
    )
    return Result(tuple(gates), "toolkit.toml", title)


@pytest.mark.parametrize("given", [result(), result(problem=True), result("kws"), result(count=30)])
def test_the_script_posts_and_replaces_its_comment(tmp_path: Path, given: Result) -> None:
    text = comment(given)
    assert posted(tmp_path, text, ["hello"]) == [{"create": 7, "body": text}]
    old = comment(result(given.title))
    others = [comment(result("another")), old, "hello"]
    assert posted(tmp_path, text, others) == [{"update": 1, "body": text}]


def test_the_script_does_not_leave_a_green_comment_standing(tmp_path: Path) -> None:
    (call,) = posted(tmp_path, None, [comment(result())])
    assert call["update"] == 0 and "did not end" in call["body"] and "✅" not in call["body"]


def test_the_script_takes_no_other_comment(tmp_path: Path) -> None:
    """What a pull request writes is data: no comment of another bot, none of an older state."""
    assert posted(tmp_path, "<!-- another bot -->\nmine", ["<!-- another bot -->\nyours"]) == []
    assert posted(tmp_path, comment(result()), [], head="newer") == []


# --- the shell part of the jobs -------------------------------------------------------------------

TOML = """version = 1
[[budget]]
model = "{model}"
target = "cortex-m4"
mode = "profile"
[budget.limits]
flash_bytes = "512 KiB"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Repository:
    """A clone of a repository with a budget, as a job has it; pip installs nothing."""
    origin = tmp_path / "origin"
    origin.mkdir()
    repository = Repository.new(origin)
    (origin / "toolkit.toml").write_text(TOML.format(model="m.onnx"), encoding="utf-8")
    onnx.save(image_model(), origin / "m.onnx")
    repository.commit("base")
    repository.git("clone", "-q", str(origin), str(tmp_path / "clone"))
    (tmp_path / "bin").mkdir()
    for name, text in (("pip", "true"), ("toolkit", f'exec "{sys.executable}" -m toolkit "$@"')):
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
    return Repository(tmp_path / "clone")


def job(checkout: Repository, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = f"{checkout.folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    source = str(Path(__file__).parents[2])
    env = {**os.environ, "PATH": path, "PYTHONPATH": source, **variables}
    command = ["bash", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=checkout.folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("service", "model"),
    [
        ("github", "m.onnx"),
        ("gitlab", "nothing.onnx"),
        pytest.param("github", "nothing.onnx", marks=pytest.mark.exhaustive),
        pytest.param("gitlab", "m.onnx", marks=pytest.mark.exhaustive),
    ],
)
def test_the_shell_of_the_jobs_runs(checkout: Repository, service: str, model: str) -> None:
    """Against the base branch; all files are there also where the model is not."""
    (checkout.folder / "toolkit.toml").write_text(TOML.format(model=model), encoding="utf-8")
    if service == "github":
        done = job(checkout, github_command(), BASE="main")
    else:
        script = "\n".join(gitlab_template()["budget"]["script"])
        done = job(checkout, script, TOOLKIT="x", CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
    assert done.returncode == (0 if model == "m.onnx" else 2), done
    found = json.loads((checkout.folder / "result.json").read_text(encoding="utf-8"))
    assert re.match(r"(origin/main|FETCH_HEAD) \(\w{12}\)", found["against"]), done
    for name in ("comment.md", "junit.xml"):
        assert (checkout.folder / name).is_file()


@pytest.mark.exhaustive
def test_gitlab_ci_local_runs_the_recipe(checkout: Repository) -> None:
    runner = shutil.which("gitlab-ci-local")
    if runner is None or shutil.which("rsync") is None:
        pytest.skip("no gitlab-ci-local with rsync: the GitLab recipe ran in a plain shell only")
    including = {
        "include": [{"local": "/ci/gitlab.yml"}],
        "budget": {"variables": {"TOOLKIT": "x"}},
    }
    (checkout.folder / "ci").mkdir()
    shutil.copy(TEMPLATE, checkout.folder / "ci" / "gitlab.yml")
    (checkout.folder / ".gitlab-ci.yml").write_text(yaml.safe_dump(including), encoding="utf-8")
    checkout.commit("recipe")
    done = job(checkout, f'"{runner}" --force-shell-executor budget')
    assert done.returncode == 0, done
    assert "<testsuites>" in (checkout.folder / "junit.xml").read_text(encoding="utf-8")
