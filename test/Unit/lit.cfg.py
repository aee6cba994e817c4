"""Runs every GoogleTest program of the build tree's test/Unit (each is called <Room>Tests), one lit test a TEST."""

import lit.formats

config.name = "nncc-unit"
config.suffixes = []
config.test_source_root = config.test_exec_root = config.nncc_binary_dir + "/test/Unit"
config.test_format = lit.formats.GoogleTest(".", "Tests")
config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0:detect_leaks=0:allocator_may_return_null=1"
