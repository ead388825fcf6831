# SPDX-License-Identifier: MIT
"""Runs a module of this collection. What only the controller knows is added to its arguments: the
names of the play and the task as `comment`, and the file that `src` names, which is brought along."""

from __future__ import annotations

import os

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash

COMMENT_BYTES = 4096  # that regd keeps


def rename(told, from_name, to_name):
    """A result with the name of the file that the task has, in place of its copy's."""
    if isinstance(told, dict):
        return {name: rename(each, from_name, to_name) for name, each in told.items()}
    if isinstance(told, list):
        return [rename(each, from_name, to_name) for each in told]
    return told.replace(from_name, to_name) if isinstance(told, str) and from_name else told


class ActionModule(ActionBase):
    """See above."""

    _requires_connection = True
    TRANSFERS_FILES = True

    def run(self, tmp=None, task_vars=None):
        """The module's own result."""
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if arguments.get("comment") is None:
            arguments["comment"] = self._name_task(task_vars)
        wrap_async = self._task.async_val and not self._connection.has_native_async
        try:
            source = arguments.get("src")
            if self._is_local_file(arguments):
                arguments.update(src=self._bring(source), remote_src=True)
            told = self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=wrap_async)
            result = merge_hash(result, rename(told, arguments.get("src"), source))
        except AnsibleError as problem:
            result.update(failed=True, msg=f"{arguments.get('src')}: {problem}")
        finally:
            if not wrap_async:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _name_task(self, task_vars):
        named = f"ansible: {task_vars.get('ansible_play_name', '')}: {self._task.get_name()}"
        return named.encode()[:COMMENT_BYTES].decode(errors="ignore")

    @staticmethod
    def _is_local_file(arguments):
        return bool(arguments.get("src")) and str(arguments.get("remote_src")).lower() not in ("true", "yes", "on", "1", "y", "t")

    def _bring(self, source):
        """The path that the controller's file has on the host."""
        found = self._loader.get_real_file(self._find_needle("files", source))
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        target = self._connection._shell.join_path(self._connection._shell.tmpdir, "source" + os.path.splitext(source)[1])
        self._transfer_file(found, target)
        self._fixup_perms2((self._connection._shell.tmpdir, target))
        return target
