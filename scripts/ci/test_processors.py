"""The number of processors and of threads, and the share of processor time."""

from __future__ import annotations

import unittest
from unittest import mock

import processors
from processors import Busy
from testing import WithPrograms


class Processors(WithPrograms):
    def count(self, **quotas: str) -> int:
        for name, quota in quotas.items():
            folder = self.folder / name.replace("_", "/").removeprefix("root")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "cpu.max").write_text(quota)
        own = self.folder / "own"
        own.write_text("1:cpu:/x\n0::/a/b\n")
        with mock.patch.object(processors.os, "sched_getaffinity", lambda _: range(64)):
            return processors.count(self.folder, own)

    def test_the_least_quota_of_the_groups_around_it_counts(self) -> None:
        self.assertEqual(self.count(), 64)
        self.assertEqual(self.count(a_b="max 100000"), 64)
        self.assertEqual(self.count(root="350000 100000"), 4)
        self.assertEqual(self.count(a="50000 100000"), 1)
        self.assertEqual(self.count(a="nonsense"), 4)

    def test_the_share_of_processor_time_leaves_out_idling_and_waiting(self) -> None:
        stat = self.folder / "stat"
        stat.write_text("cpu 100 0 100 800 0 0 0 0 50 0\n")
        busy = Busy(stat)
        self.assertIsNone(busy.percent())
        stat.write_text("cpu 150 0 110 820 10 5 5 0 99 0\ncpu0 1 2 3\n")
        self.assertEqual(busy.percent(), 70)
        self.assertIsNone(Busy(self.folder / "absent").percent())


class Threads(unittest.TestCase):
    def test_they_grow_with_the_processors_up_to_a_limit(self) -> None:
        for n_cores, library, server, chromium in ((1, 2, 8, 2), (2, 4, 8, 2), (4, 8, 16, 2), (6, 12, 24, 3), (64, 24, 24, 4)):
            found = (processors.library_threads(n_cores), processors.server_threads(n_cores), processors.chromium_files(n_cores))
            self.assertEqual(found, (library, server, chromium), n_cores)
