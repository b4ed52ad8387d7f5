# SPDX-License-Identifier: MIT
"""Policies: what they declare, what is wrong with them, where it is told.

WGAUDIT names the program; the source's top is the working directory.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

WGAUDIT = os.environ["WGAUDIT"]
CAPTURE = "tests/golden/captures/join-direct/"
FILES = sorted(glob.glob(CAPTURE + "*.pcap"))


def wgaudit(*args):
    return subprocess.run([WGAUDIT, *args], stdin=subprocess.DEVNULL,
                          capture_output=True)


def options(command, without="Output:"):
    """what its help lists before the section @without, with arguments"""
    text = wgaudit(command, "--help").stdout.decode().split(without)[0]
    return dict(re.findall(r"^  --([a-z-]+)(?: (\S+))?  ", text, re.M))


class Policy(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name="p.yaml"):
        return os.path.join(self.dir, name)

    def write(self, text, name="p.yaml"):
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)

    def example(self):
        shutil.copy(CAPTURE + "nodes.json", self.dir)
        return shutil.copy("docs/policy-example.yaml", self.path())

    def show(self, path, *args):
        run = wgaudit("policy", "show", path, "--json", *args)
        self.assertEqual(run.returncode, 0, run)
        return [(e["key"], e["value"], e["source"], e.get("line"))
                for e in json.loads(run.stdout)["policy"]["effective"]]

    def assert_faults(self, text, *faults):
        """exactly these (line, key, words), in text, JSON and a run"""
        path = self.write(text)
        run = wgaudit("policy", "check", path)
        self.assertEqual((run.returncode, run.stdout), (2, b""))
        lines = run.stderr.decode().splitlines()
        self.assertEqual(len(lines), len(faults), lines)
        for line, (number, key, words) in zip(lines, faults):
            start = "wgaudit: %s:%d: %s" % (path, number,
                                            key + ": " if key else "")
            self.assertTrue(line.startswith(start), (line, start))
            self.assertIn(words, line)
        run = wgaudit("policy", "check", path, "--json")
        self.assertEqual((run.returncode, run.stderr), (2, b""))
        errors = json.loads(run.stdout)["errors"]
        self.assertEqual([(e["line"], e["key"] or "") for e in errors],
                         [(f[0], f[1]) for f in faults])
        run = wgaudit("gate", "--json", "--policy", path, *FILES)
        self.assertEqual(run.returncode, 2)
        self.assertTrue(json.loads(run.stdout)["error"]["text"]
                        .startswith("%s:%d: " % (path, faults[0][0])))
        self.assertEqual(wgaudit("policy", "show", path).returncode, 2)

    def test_example(self):
        path = self.example()
        self.assertEqual(wgaudit("policy", "check", path).returncode, 0)
        run = wgaudit("gate", "--json", "--policy", path, *FILES)
        self.assertEqual(run.returncode, 0, run.stdout)
        # it does declare: each of these alone makes a difference
        for args, code in ((["--expect-pair", "vm-a,vm-z"], "missing-pair"),
                           (["--require", "opened"], "weak-evidence")):
            run = wgaudit("gate", "--json", "--policy", path, *args, *FILES)
            self.assertEqual(run.returncode, 3)
            self.assertIn(code, [r["code"] for r in
                                 json.loads(run.stdout)["reasons"]])

    def test_example_needs_its_declarations(self):
        """the same run without the policy is not as good"""
        run = wgaudit("gate", "--require", "identified", *FILES)
        self.assertNotEqual(run.returncode, 0)

    def test_every_option_is_a_key(self):
        keys = {}
        for command in "capture", "analyze", "gate":
            keys.update(options(command))
        del keys["policy"]
        del keys["headscale"]  # a command: reading a file must not run one
        # what says where evidence goes declares nothing
        keys = {k: v for k, v in keys.items() if not k.startswith("write")}
        self.assertIn("derp", keys)
        self.assertIn("ring-bytes", keys)
        for key in keys:
            run = wgaudit("policy", "check", self.write(key + ": ''\n"))
            self.assertNotIn(b"unknown key", run.stderr, key)
        for key in "json", "policy", "headscale", "help", "Derp", "":
            self.assert_faults("%s: x\n" % (key or "''"),
                               (1, key, "unknown key"))

    def test_show(self):
        path = self.write("derp: [1.1.1.1:1, '1.1.1.1:2']\n"
                          "require: identified\n"
                          "vm: {a: 10.0.0.1, b: [10.0.0.2, 'fd00::2']}\n"
                          "bridge: x\npassive: true\nduration: 1s\n")
        self.assertEqual(self.show(path, "--derp", "1.1.1.1:3", "--derp",
                                   "1.1.1.1:1", "--duration", "2s"), [
            ("derp", "1.1.1.1:1", "policy", 1),
            ("derp", "1.1.1.1:2", "policy", 1),
            ("derp", "1.1.1.1:3", "command-line", None),
            ("vm", "a=10.0.0.1", "policy", 3),
            ("vm", "b=10.0.0.2", "policy", 3),
            ("vm", "b=fd00::2", "policy", 3),
            ("require", "identified", "policy", 2),
            ("trust-elided", "false", "default", None),
            ("bridge", "x", "policy", 4),
            ("duration", "2s", "command-line", None),
            ("passive", "true", "policy", 5),
            ("self-test", "false", "default", None),
            ("ring-bytes", "67108864", "default", None)])
        text = wgaudit("policy", "show", path, "--require",
                       "opened").stdout.decode()
        self.assertRegex(text, r"(?m)^derp: 1\.1\.1\.1:2 +%s:1$"
                         % re.escape(path))
        self.assertRegex(text, r"(?m)^require: opened +command line$")
        self.assertRegex(text, r"(?m)^ring-bytes: 67108864 +default$")
        self.assertNotIn("identified", text)

    def test_order_of_policy_and_options(self):
        """the command line has the last word, wherever --policy stands"""
        path = self.write("require: opened\nderp: 192.168.100.10:443\n"
                          "control: 192.168.100.10:443\n")
        for args in (["--policy", path, "--require", "bound"],
                     ["--require", "bound", "--policy", path]):
            run = wgaudit("gate", *args, *FILES)
            self.assertEqual(run.returncode, 0, run)
        run = wgaudit("gate", "--policy", path, *FILES)
        self.assertEqual(run.returncode, 3)

    def test_passive_false(self):
        path = self.write("passive: false\n")
        self.assertIn(("passive", "false", "policy", 1), self.show(path))
        self.assertIn(("passive", "true", "command-line", None),
                      self.show(path, "--passive"))

    def test_trust_elided(self):
        evidence = self.path("e.pcapng")
        server = "192.168.100.10:443"
        run = wgaudit("gate", "--derp", server, "--control", server, "--write",
                      evidence, "--write-only", "headers", *FILES)
        self.assertEqual(run.returncode, 0, run)
        for word, status in ("true", 0), ("false", 3):
            path = self.write("derp: %s\ncontrol: %s\ntrust-elided: %s\n"
                              % (server, server, word))
            run = wgaudit("gate", "--policy", path, evidence)
            self.assertEqual(run.returncode, status, run)
        run = wgaudit("gate", "--policy", path, "--trust-elided", evidence)
        self.assertEqual(run.returncode, 0, run)

    def test_capture_takes_its_own(self):
        """no such bridge: so the policy's bridge is the one that is opened"""
        path = self.write("bridge: nosuchbridge0\n")
        run = wgaudit("capture", "--policy", path)
        self.assertEqual(run.returncode, 2)
        self.assertNotIn(b"--bridge BR is missing", run.stderr)
        run = wgaudit("capture", "--policy", self.write("require: bound\n"))
        self.assertIn(b"--bridge BR is missing", run.stderr)

    def test_relative_paths(self):
        shutil.copy(CAPTURE + "nodes.json", self.path("n.json"))
        path = self.write("mesh: n.json\n")
        self.assertEqual(wgaudit("policy", "check", path).returncode, 0)
        self.assertIn(("mesh", self.path("n.json"), "policy", 1),
                      self.show(path))
        absolute = self.write("mesh: %s\n" % os.path.abspath(
            CAPTURE + "nodes.json"), "q.yaml")
        self.assertEqual(wgaudit("policy", "check", absolute).returncode, 0)
        run = subprocess.run([os.path.abspath(WGAUDIT), "policy", "check",
                              "p.yaml"], cwd=self.dir, capture_output=True)
        self.assertEqual(run.returncode, 0)

    def test_setters_speak(self):
        self.assert_faults(
            "# a comment\nderp: 1.2.3.4\ncanary: [x, long enough]\n"
            "accept:\n  - late-start\n  - plaintext\nrequire: shape\n"
            "vm:\n  a: 10.0.0.1\n  b: 10.0.0.1\n"
            "duration: soon\nring-bytes: -1\nbridge: [x, x]\n"
            "mesh: /nonexistent.json\n",
            (2, "derp", "wants HOST:PORT"), (3, "canary", "too short"),
            (6, "accept", "cannot be accepted"), (7, "require", "bound"),
            (10, "vm", "was given to a"), (11, "duration", "soon"),
            (12, "ring-bytes", ""), (13, "bridge", "twice"),
            (14, "mesh", "/nonexistent.json"))

    def test_wrong_types(self):
        self.assert_faults(
            "derp: {a: b}\nrequire: [bound]\npassive: 1\nvm: a=10.0.0.1\n"
            "mesh:\ngateway: ~\ncanary: [[x]]\nexpect-pair:\n- {a: b}\n"
            "duration: &a 1s\nfilter: *a\naccept: \"late\\0start\"\n",
            (1, "derp", "not a mapping"), (2, "require", "not a list"),
            (3, "passive", "true or false"), (4, "vm", "wants a mapping"),
            (5, "mesh", "has no value"), (6, "gateway", "has no value"),
            (7, "canary", "not a list"), (9, "expect-pair", "not a mapping"),
            (11, "filter", "alias"), (12, "accept", "zero byte"))

    def test_empty(self):
        self.assert_faults(
            "derp: 192.168.100.10:443\ncanary: []\nvm: {}\nmesh:\n  [\n  ]\n"
            "control: [192.168.100.10:443]\n",
            (2, "canary", "declares nothing"), (3, "vm", "declares nothing"),
            (5, "mesh", "declares nothing"))
        self.assert_faults("vm:\n  vm-a: []\n  vm-b: 10.0.0.10\n",
                           (2, "vm", "declares nothing"))

    def test_wrong_files(self):
        for text, fault in (
                ("", (1, "", "declares nothing")),
                ("# nothing\n", (1, "", "declares nothing")),
                ("{}\n", (1, "", "declares nothing")),
                ("derp: []\n", (1, "derp", "declares nothing")),
                ("- derp\n", (1, "", "wants a mapping")),
                ("derp\n", (1, "", "wants a mapping")),
                ("require: bound\n---\nrequire: bound\n",
                 (2, "", "second document")),
                ("require: bound\nrequire: opened\n",
                 (2, "require", "line 1")),
                ("require: bound\n[a]: b\n", (2, "", "name of an option")),
                ("require: bound\n\tx: [\n", (2, "", "not YAML")),
                (b"require: \xff\xfe\n", (1, "", "not YAML")),
                ("require: bound\nnew: {a: [b, {c: d}]}\n",
                 (2, "new", "unknown key"))):
            with self.subTest(text=text):
                self.assert_faults(text, fault)

    def test_many_faults(self):
        path = self.write("".join("k%d: x\n" % i for i in range(5000)))
        run = wgaudit("policy", "check", path)
        self.assertEqual(run.returncode, 2)
        self.assertEqual(run.stderr.count(b"\n"), 100)

    def test_unreadable(self):
        for args in (["policy", "check"], ["policy", "show"],
                     ["gate", FILES[0], "--policy"]):
            for path in self.path("none.yaml"), self.dir, "/dev/zero":
                run = wgaudit(*args, path)
                self.assertEqual(run.returncode, 2)
                self.assertIn(path.encode(), run.stderr)
                self.assertEqual(run.stdout, b"")

    def test_usage(self):
        path = self.write("require: bound\n")
        for args in ([], ["check"], ["show"], ["chek", path],
                     ["check", path, path], ["check", path, "--jsonl"],
                     ["check", path, "--junit", self.path("j")],
                     ["check", path, "--bogus"],
                     ["show", path, "--derp", "nonsense"]):
            with self.subTest(args=args):
                self.assertEqual(wgaudit("policy", *args).returncode, 2)
        self.assertEqual(wgaudit("policy", "check", path, "--json").stdout,
                         b'{"schema": "wgaudit/1", "policy": {"file": "%s", '
                         b'"declarations": 1}}\n' % path.encode())


if __name__ == "__main__":
    unittest.main()
