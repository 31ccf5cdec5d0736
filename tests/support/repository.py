"""A git repository that a test makes and plays with."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
_PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


@dataclass(frozen=True)
class Repository:
    """A repository in ``folder``."""

    folder: Path

    @classmethod
    def new(cls, folder: Path) -> Repository:
        repository = cls(folder)
        repository.git("init", "-q", "-b", "main")
        return repository

    def git(self, *arguments: str, fails: bool = False) -> str:
        """Run git here; it must succeed, or fail where that is asked for."""
        done = subprocess.run(
            ["git", *_IDENTITY, *arguments],
            cwd=self.folder,
            env={**os.environ, **_PLAIN},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) == fails, done
        return done.stdout

    def commit(self, subject: str) -> str:
        """Commit everything; the hash."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD").strip()

    def branch(self, name: str, start: str = "main") -> None:
        self.git("checkout", "-q", "-B", name, start)
