# SPDX-License-Identifier: MIT
"""Each rendering is read by a reader that is not ours, and FILE is replaced whole.

WGAUDIT names the program; the source's top is the working directory.
"""
import glob
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse
import xml.etree.ElementTree as ElementTree

try:
    import jsonschema
    import prometheus_client.parser
except ImportError as missing:
    print("skipped: no python3 module", missing.name)
    sys.exit(77)
for tool in ["xmllint"]:
    if not shutil.which(tool):
        print("skipped: no", tool)
        sys.exit(77)

WGAUDIT = os.environ["WGAUDIT"]
CAPTURES = "tests/golden/captures/"
SERVER = ["--derp", "192.168.100.10:443", "--control", "192.168.100.10:443"]
FOLDERS = {"join-direct": 0, "plaintext-leak": 1, "late-start": 3, "relay": 3}
OUTCOMES = {0: "pass", 1: "violation", 3: "inconclusive"}
FILE_RENDERINGS = ["--junit", "--sarif", "--prometheus"]


def wgaudit(*args, **kwargs):
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([WGAUDIT, *args], capture_output=True, **kwargs)


def mesh(folder):
    where = CAPTURES + folder
    return [*SERVER, "--mesh", where + "/nodes.json",
            *sorted(glob.glob(where + "/*.pcap"))]


def pcap(*frames):
    return b"".join([struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)] +
                    [struct.pack("<IIII", 1700000000 + i, 0, len(f), len(f)) + f
                     for i, f in enumerate(frames)])


def pcapng(*frames):
    """one interface, and one frame, for each of frames"""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        size = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + size + body + size
    text = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    for i, _ in enumerate(frames):
        name = b"eth%d" % i
        text += block(1, struct.pack("<HHI", 1, 0, 0) +
                      struct.pack("<HH", 2, len(name)) + name)
    for i, f in enumerate(frames):
        text += block(6, struct.pack("<IIIII", i, 0, i + 1, len(f), len(f)) + f)
    return text


def udp_frame(payload):
    """from 192.168.1.10 to 192.168.1.11, neither behind a gateway"""
    udp = struct.pack(">HHHH", 4000, 4001, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                     bytes([192, 168, 1, 10]), bytes([192, 168, 1, 11]))
    total = sum(struct.unpack(">10H", ip))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack(">H", total ^ 0xffff) + ip[12:]
    return (b"\x52\x54\0\0\0\x0b\x52\x54\0\0\0\x0a\x08\0" + ip + udp)


CLEAR = udp_frame(b"the password is hunter2, and has been for a long time")


def closed(schema):
    """the schema, but without room for keys it does not name"""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(s) for key, s in schema.items()}
    if "$ref" in schema and "properties" in schema:
        schema["unevaluatedProperties"] = False
    return schema


def validator(path, strict=False):
    with open(path) as f:
        schema = json.load(f)
    if strict:
        schema = closed(schema)
        for name, part in schema["$defs"].items():
            # a line is its element and two keys: the element stays open
            if "properties" in part and "$ref" not in part and \
               name not in ("flow", "session", "pair"):
                part["additionalProperties"] = False
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


WGAUDIT_1 = validator("docs/schema/wgaudit-1.json", strict=True)
SARIF = validator("tests/golden/schema/sarif.json")


def only_branch(v, branch):
    """the same validator for one branch of its top alone"""
    schema = dict(v.schema)
    schema.pop("oneOf")
    schema["$ref"] = "#/$defs/" + branch
    return jsonschema.Draft202012Validator(schema)


def read_junit(text):
    lint = subprocess.run(["xmllint", "--noout", "--nonet", "-"], input=text,
                          capture_output=True)
    assert lint.returncode == 0, lint.stderr
    root = ElementTree.fromstring(text)
    suite, = root
    cases = suite.findall("testcase")
    for element in (root, suite):
        assert int(element.get("tests")) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"),
                               ("skipped", "skipped")):
            assert int(element.get(attribute)) == \
                len(suite.findall("testcase/" + tag)), attribute
        float(element.get("time"))
    assert suite.get("hostname") and len(suite.get("timestamp")) == 19
    names = [(c.get("classname"), c.get("name")) for c in cases]
    assert len(set(names)) == len(names)
    # the order that Ant's schema wants
    tags = [e.tag for e in suite]
    order = ["properties", "testcase", "system-out"]
    assert tags == sorted(tags, key=order.index)
    return suite


def case(suite, cls, name):
    found, = [c for c in suite.findall("testcase")
              if (c.get("classname"), c.get("name")) == ("wgaudit." + cls, name)]
    return {e.tag: e for e in found}


def read_sarif(text):
    doc = json.loads(text)
    SARIF.validate(doc)
    run, = doc["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({r["id"] for r in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def read_prometheus(text):
    """{(name, labels): value}, after the checks that promtool makes"""
    assert text.endswith(b"\n")
    samples = {}
    families = list(prometheus_client.parser.text_string_to_metric_families(
        text.decode()))
    assert len({f.name for f in families}) == len(families)
    for f in families:
        assert f.name.startswith("wgaudit_") and f.documentation, f.name
        assert f.type == "gauge", f.name
        assert not f.name.endswith(("_total", "_count", "_sum", "_bucket"))
        assert f.samples, f.name
        for s in f.samples:
            assert s.timestamp is None
            key = (s.name, *sorted(s.labels.items()))
            assert key not in samples, key
            samples[key] = s.value
    if shutil.which("promtool"):
        lint = subprocess.run(["promtool", "check", "metrics"], input=text,
                              capture_output=True)
        assert lint.returncode == 0 and not lint.stderr, lint.stderr
    return samples


class Folder(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def assert_files(self, *names):
        self.assertEqual(sorted(os.listdir(self.dir)), sorted(names))


class Verdicts(Folder):
    """what each rendering says of the same run, on real captures"""

    def run_all(self, folder, *more, command="analyze"):
        self.json = wgaudit(command, "--json", *more, *mesh(folder), "--junit",
                            self.path("j"), "--sarif", self.path("s"),
                            "--prometheus", self.path("p"))
        self.assertEqual(self.json.stderr, b"")
        self.doc = json.loads(self.json.stdout)
        WGAUDIT_1.validate(self.doc)
        self.junit = read_junit(self.read("j"))
        self.sarif = read_sarif(self.read("s"))
        self.samples = read_prometheus(self.read("p"))
        self.assert_files("j", "s", "p")

    def properties(self):
        return {p.get("name"): p.get("value")
                for p in self.junit.findall("properties/property")
                if p.get("name") != "input"}

    def check_junit(self, status):
        props = self.properties()
        self.assertEqual(props["verdict"], OUTCOMES[status])
        self.assertEqual(props["exit-status"], str(status))
        self.assertEqual(int(props["frames"]), self.doc["capture"]["frames"])
        for name, value in self.doc["classes"].items():
            self.assertEqual(int(props["frames." + name]), value["frames"])
            self.assertEqual(int(props["bytes." + name]), value["bytes"])
        self.assertEqual(case(self.junit, "run", "run"), {})
        red = {c.get("name") for tag in ("failure", "error")
               for c in self.junit.findall("testcase")
               if c.find(tag) is not None and
               c.get("classname") != "wgaudit.expect-pair"}
        self.assertEqual(red, {r["code"] for r in self.doc["reasons"]
                               if not r["accepted"]})
        self.assertEqual(bool(red), status != 0)
        for r in self.doc["reasons"]:
            inside = case(self.junit, r["severity"], r["code"])
            tag = "skipped" if r["accepted"] else \
                "failure" if r["severity"] == "violation" else "error"
            self.assertEqual(list(inside), [tag])
            self.assertIn(r["text"], inside[tag].get("message"))
            if tag != "skipped":
                self.assertEqual(inside[tag].get("type"), r["severity"])
                self.assertIn(" frame %d," % r["first"]["frame"]
                              if r["first"] else "", inside[tag].text or "")

    def check_sarif(self, status):
        run = self.sarif
        self.assertEqual(run["properties"]["verdict"], OUTCOMES[status])
        self.assertEqual(run["invocations"][0]["exitCode"], status)
        self.assertTrue(run["invocations"][0]["executionSuccessful"])
        self.assertEqual([a["location"]["uri"] for a in run["artifacts"]],
                         [i["name"] for i in self.doc["capture"]["inputs"]])
        self.assertEqual(len(run["results"]), len(self.doc["reasons"]))
        for r, result in zip(self.doc["reasons"], run["results"]):
            self.assertEqual(result["ruleId"], r["code"])
            self.assertEqual(result["level"], "note" if r["accepted"] else
                             "error" if r["severity"] == "violation" else
                             "warning")
            self.assertEqual("suppressions" in result, r["accepted"])
            self.assertEqual(result["message"]["text"], r["text"])
            self.assertEqual(result["properties"]["count"], r["count"])
            if not r["first"]:
                self.assertEqual(len(result["locations"]),
                                 len(run["artifacts"]))
                continue
            where, = result["locations"]
            self.assertEqual(where["properties"],
                             {k: r["first"][k] for k in ("frame", "time")})
            self.assertEqual(where["physicalLocation"]["artifactLocation"]
                             ["uri"], r["first"]["file"])

    def check_prometheus(self, status):
        m = self.samples
        self.assertEqual(m[("wgaudit_up",)], 1)
        self.assertEqual(m[("wgaudit_exit_status",)], status)
        for code, outcome in OUTCOMES.items():
            self.assertEqual(m[("wgaudit_verdict", ("outcome", outcome))],
                             code == status)
        reasons = {r["code"]: r for r in self.doc["reasons"]}
        rules = self.sarif["tool"]["driver"]["rules"][:-1]
        for rule in rules:
            severity, = rule["properties"]["tags"]
            key = (("code", rule["id"]), ("severity", severity))
            r = reasons.get(rule["id"])
            self.assertEqual(m[("wgaudit_reasons", *key)],
                             r["count"] if r else 0)
            if severity == "inconclusive":
                self.assertEqual(m[("wgaudit_reason_accepted", *key)],
                                 bool(r and r["accepted"]))
        for name, value in self.doc["classes"].items():
            for what in "frames", "bytes":
                self.assertEqual(m[("wgaudit_" + what, ("class", name))],
                                 value[what])
        self.assertEqual(m[("wgaudit_wireguard_messages",)],
                         self.doc["classes"]["wireguard"]["messages"])
        for i in self.doc["capture"]["inputs"]:
            self.assertEqual(m[("wgaudit_kernel_drops", ("input", i["name"]))],
                             i["kernel_drops"])
        for end in "first", "last":
            self.assertEqual(
                m[("wgaudit_capture_%s_timestamp_seconds" % end,)],
                float(self.doc["capture"][end + "_time"]))
        self.assertGreater(m[("wgaudit_run_timestamp_seconds",)], 1.7e9)

    def check_all(self, folder, status, *more, command="analyze"):
        self.run_all(folder, *more, command=command)
        self.assertEqual(self.json.returncode, status)
        self.check_junit(status)
        self.check_sarif(status)
        self.check_prometheus(status)

    def test_real_captures(self):
        for folder, status in FOLDERS.items():
            for command in "analyze", "gate":
                with self.subTest(folder=folder, command=command):
                    self.check_all(folder, status, command=command)

    def test_accepted(self):
        self.check_all("late-start", 0, "--accept", "late-start")
        self.assertEqual(self.junit.get("skipped"), "1")
        self.assertEqual(self.sarif["results"][0]["suppressions"][0]
                         ["justification"], "--accept late-start")

    def test_expected_pairs(self):
        pairs = ["--expect-pair", "vm-a,vm-b", "--expect-pair", "vm-a,vm-z"]
        run = wgaudit("gate", *pairs, *mesh("join-direct"), "--junit", "-")
        self.assertEqual(run.returncode, 3)
        suite = read_junit(run.stdout)
        self.assertEqual(case(suite, "expect-pair", "vm-a,vm-b"), {})
        self.assertEqual(list(case(suite, "expect-pair", "vm-a,vm-z")),
                         ["error"])
        self.assertEqual(list(case(suite, "inconclusive", "missing-pair")),
                         ["error"])
        run = wgaudit("gate", *pairs, "--accept", "missing-pair",
                      *mesh("join-direct"), "--junit", "-")
        self.assertEqual(run.returncode, 0)
        suite = read_junit(run.stdout)
        self.assertEqual(list(case(suite, "expect-pair", "vm-a,vm-z")),
                         ["skipped"])
        self.assertEqual(suite.get("errors"), "0")

    def test_jsonl(self):
        for folder, status in FOLDERS.items():
            doc = json.loads(wgaudit("analyze", "--json",
                                     *mesh(folder)).stdout)
            run = wgaudit("analyze", "--jsonl", *mesh(folder))
            self.assertEqual((run.returncode, run.stderr), (status, b""))
            lines = [json.loads(line) for line in run.stdout.splitlines()]
            types = []
            for line in lines:
                WGAUDIT_1.validate(line)
                only_branch(WGAUDIT_1, "line_" + line["type"]).validate(line)
                self.assertEqual(line.pop("schema"), "wgaudit/1")
                types.append(line.pop("type"))
            # each element of the document once; equals have no order
            self.assertEqual(types, ["flow"] * len(doc["flows"]) +
                             ["session"] * len(doc["sessions"]) +
                             ["pair"] * len(doc["pairs"]) + ["verdict"])
            elements = doc["flows"] + doc["sessions"] + doc["pairs"]
            self.assertEqual(sorted(map(json.dumps, lines[:-1])),
                             sorted(map(json.dumps, elements)))
            last = lines[-1]
            self.assertEqual(last, {key: doc[key] for key in last})
            self.assertEqual(set(doc) - set(last),
                             {"schema", "flows", "sessions", "pairs"})

    def test_schema_can_fail(self):
        run = wgaudit("analyze", "--json", *mesh("join-direct"))
        for change in ({"verdict": "fine"}, {"more": 1}, {"type": "verdict"},
                       {"flows": [{}]}):
            doc = {**json.loads(run.stdout), **change}
            self.assertFalse(WGAUDIT_1.is_valid(doc), change)
        doc = json.loads(run.stdout)
        doc["flows"][0]["more"] = 1
        strict = only_branch(WGAUDIT_1, "line_flow")
        line = {"schema": "wgaudit/1", "type": "flow", **doc["flows"][0]}
        self.assertFalse(strict.is_valid(line))
        del line["more"]
        self.assertTrue(strict.is_valid(line))


class Names(Folder):
    """names that try to break out"""
    NAMES = [b"a&b<c>\"d'.pcap", b"\x1b]0;x\a\r\n\t.pcap", b"50%41 #?.pcap",
             b"back\\slash{}.pcap", "f\u00fcr\u202e.pcap".encode(), b"\xff\xfe.pcap",
             b"c:d.pcap", b"]]>.pcap", b"\x7f\x01.pcap", b"\\xff\\xfe.pcap"]

    def render(self, option, *args, **kwargs):
        run = wgaudit("gate", option, "-", *args, **kwargs)
        self.assertEqual(run.returncode, 1, run)
        return run.stdout

    def test_files(self):
        for name in self.NAMES:
            with open(os.path.join(os.fsencode(self.dir), name), "wb") as f:
                f.write(pcap(CLEAR))
        args = self.NAMES
        suite = read_junit(self.render("--junit", *args, cwd=self.dir))
        self.assertEqual(len(suite.findall("properties/property[@name='input']")),
                         len(self.NAMES))
        samples = read_prometheus(self.render("--prometheus", *args,
                                              cwd=self.dir))
        inputs = [dict(key[1:])["input"] for key in samples
                  if key[0] == "wgaudit_kernel_drops"]
        self.assertEqual(len(inputs), len(self.NAMES))
        self.assertIn("back\\x5cslash{}.pcap", inputs)
        self.assertIn("a&b<c>\"d'.pcap", inputs)
        run = read_sarif(self.render("--sarif", *args, cwd=self.dir))
        self.assertEqual([urllib.parse.unquote_to_bytes(a["location"]["uri"])
                          for a in run["artifacts"]], self.NAMES)
        for option in "--json", "--jsonl":
            out = wgaudit("analyze", option, *args, cwd=self.dir).stdout
            for doc in [out] if option == "--json" else out.splitlines():
                WGAUDIT_1.validate(json.loads(doc))
                self.assertTrue(doc.isascii())

    def test_hosts(self):
        path = self.write("x.pcap", pcap(CLEAR))
        host = b"a<&\"'\\\x1b\x01\xff\n"
        args = ["--vm", host + b"=192.168.1.10", path]
        suite = read_junit(self.render("--junit", *args))
        self.assertIn("a<&\"'\\\\x1b\\x01\\xff\\x0a",
                      case(suite, "violation", "plaintext")["failure"]
                      .get("message"))
        read_sarif(self.render("--sarif", *args))
        read_prometheus(self.render("--prometheus", *args))

    def test_absolute(self):
        path = self.write("a b.pcap", pcap(CLEAR))
        run = read_sarif(self.render("--sarif", path))
        uri = run["artifacts"][0]["location"]["uri"]
        self.assertEqual(uri, "file://" + urllib.parse.quote(path))
        self.assertEqual(run["results"][0]["locations"][0]["physicalLocation"]
                         ["artifactLocation"]["uri"], uri)

    def test_interfaces(self):
        path = self.write("x.pcapng", pcapng(CLEAR, CLEAR))
        run = read_sarif(self.render("--sarif", path))
        self.assertEqual(len(run["artifacts"]), 1)
        where = run["results"][0]["locations"][0]
        self.assertEqual(where["physicalLocation"]["artifactLocation"]["uri"],
                         "file://" + path)
        self.assertEqual(where["logicalLocations"],
                         [{"name": "eth0", "kind": "interface"}])

    def test_same_name(self):
        """an interface of one file is called as another file is"""
        self.write("x", pcapng(CLEAR, CLEAR))
        self.write("x:eth0", pcap(CLEAR))
        samples = read_prometheus(self.render("--prometheus", "x", "x:eth0",
                                              cwd=self.dir))
        self.assertEqual([dict(key[1:])["input"] for key in samples
                          if key[0] == "wgaudit_kernel_drops"],
                         ["x:eth0", "x:eth0#2", "x:eth1"])

    def test_standard_input(self):
        run = read_sarif(self.render("--sarif", "-", stdin=None,
                                     input=pcap(CLEAR)))
        self.assertEqual(run["artifacts"], [])
        where = run["results"][0]["locations"][0]
        self.assertNotIn("physicalLocation", where)
        self.assertEqual(where["logicalLocations"],
                         [{"name": "standard input", "kind": "stream"}])

    def test_whole_run(self):
        """a reason without a frame is located at all inputs"""
        paths = [self.write(n, pcap()) for n in ("x.pcap", "y.pcap")]
        run = wgaudit("gate", *paths, "--sarif", "-")
        self.assertEqual(run.returncode, 3)
        result, = read_sarif(run.stdout)["results"]
        self.assertEqual(result["ruleId"], "no-encrypted-traffic")
        self.assertEqual(len(result["locations"]), 2)
        samples = read_prometheus(wgaudit("gate", *paths, "--prometheus",
                                          "-").stdout)
        self.assertNotIn(("wgaudit_capture_first_timestamp_seconds",), samples)


class Errors(Folder):
    """exit status 2 is in every rendering, and none of them looks clean"""
    RUNS = [("no-such-file", ["gate", "/nonexistent/x.pcap"]),
            ("usage", ["gate"]),
            ("usage", ["gate", "--derp", "nonsense", "x.pcap"]),
            ("usage", ["gate", "--bogus", "x.pcap"]),
            ("usage", ["capture"]),
            ("usage", ["analyse", "x.pcap"])]

    def check(self, code, args, junit, sarif, prometheus):
        suite = read_junit(junit)
        error = case(suite, "run", "run")["error"]
        self.assertEqual(error.get("type"), code)
        self.assertEqual(suite.get("tests"), "1")
        run = read_sarif(sarif)
        invocation, = run["invocations"]
        self.assertFalse(invocation["executionSuccessful"])
        self.assertEqual(invocation["exitCode"], 2)
        note, = invocation["toolExecutionNotifications"]
        self.assertEqual(note["descriptor"]["id"], code)
        result, = run["results"]
        self.assertEqual((result["ruleId"], result["level"]),
                         ("run-failed", "error"))
        self.assertEqual(result["message"], note["message"])
        m = read_prometheus(prometheus)
        self.assertEqual(m[("wgaudit_up",)], 0)
        self.assertEqual(m[("wgaudit_exit_status",)], 2)
        self.assertEqual(m[("wgaudit_error_info", ("code", code))], 1)
        for outcome in OUTCOMES.values():
            self.assertEqual(m[("wgaudit_verdict", ("outcome", outcome))], 0)
        self.assertFalse([key for key in m if key[0] in
                          ("wgaudit_reasons", "wgaudit_frames")])

    def test_in_files(self):
        for code, args in self.RUNS:
            with self.subTest(args=args):
                out = [word for r in FILE_RENDERINGS
                       for word in (r, self.path(r[2:]))]
                run = wgaudit(*args, *out)
                self.assertEqual((run.returncode, run.stdout), (2, b""))
                self.assertTrue(run.stderr.startswith(b"wgaudit: "))
                self.check(code, args, *[self.read(r[2:])
                                         for r in FILE_RENDERINGS])

    def test_on_standard_output(self):
        for code, args in self.RUNS:
            with self.subTest(args=args):
                texts = []
                for r in FILE_RENDERINGS:
                    run = wgaudit(*args, r, "-")
                    self.assertEqual((run.returncode, run.stderr), (2, b""))
                    texts.append(run.stdout)
                self.check(code, args, *texts)
                for option in "--json", "--jsonl":
                    run = wgaudit(*args, option)
                    self.assertEqual((run.returncode, run.stderr), (2, b""))
                    doc = json.loads(run.stdout)
                    WGAUDIT_1.validate(doc)
                    self.assertEqual(doc["error"]["code"], code)
                    self.assertEqual(doc.get("type"),
                                     "error" if option == "--jsonl" else None)


class Policies(Folder):
    """what wgaudit policy writes is of the same schema"""

    def test_documents(self):
        good = self.write("p.yaml", b"require: bound\nderp: 1.1.1.1:1\n")
        bad = self.write("q.yaml", b"require: x\n? [a]\nderp: x\nz: 1\n")
        for verb, path, branch in (
                ("check", good, "document_policy_check"),
                ("show", good, "document_policy_show"),
                ("check", bad, "document_error"),
                ("show", bad, "document_error"),
                ("check", self.path("none"), "document_error")):
            doc = json.loads(wgaudit("policy", verb, path, "--json").stdout)
            WGAUDIT_1.validate(doc)
            only_branch(WGAUDIT_1, branch).validate(doc)


class Files(Folder):
    """FILE is replaced whole or not at all"""

    def setUp(self):
        super().setUp()
        self.input = mesh("join-direct")

    def gate(self, *args, **kwargs):
        return wgaudit("gate", *args, *self.input, **kwargs)

    def assert_refused(self, run, *words):
        self.assertEqual(run.returncode, 2, run)
        for word in words:
            self.assertIn(os.fsencode(word), run.stderr)
        self.assertEqual(run.stderr.count(b"\n"), 1, run.stderr)
        self.assertEqual(run.stdout, b"")

    def test_beside_text(self):
        run = self.gate("--junit", self.path("j"))
        self.assertEqual(run.returncode, 0)
        self.assertTrue(run.stdout.startswith(b"PASS"))
        # a new file takes the place of the old one, and of what a kill left
        before = os.stat(self.path("j")).st_ino
        self.write(".j.wgaudit", b"half a rend")
        with open(self.path("j"), "rb") as reader:
            self.gate("--junit", self.path("j"))
            read_junit(reader.read())
        self.assertNotEqual(os.stat(self.path("j")).st_ino, before)
        read_junit(self.read("j"))
        self.assert_files("j")

    def test_relative(self):
        shutil.copy(self.input[-1], self.path("x.pcap"))
        wgaudit("gate", "x.pcap", "--junit", "j", cwd=self.dir)
        read_junit(self.read("j"))
        self.assert_files("j", "x.pcap")

    def test_several(self):
        self.gate("--junit", self.path("a"), "--junit", self.path("b"),
                  "--sarif", self.path("c"))
        read_junit(self.read("a"))
        read_junit(self.read("b"))
        read_sarif(self.read("c"))

    def test_link(self):
        os.symlink("real", self.path("link"))
        self.write("real", b"old")
        self.gate("--junit", self.path("link"))
        self.assertTrue(os.path.islink(self.path("link")))
        read_junit(self.read("real"))
        self.assert_files("link", "real")

    def test_trapped_temporary(self):
        """what somebody else put at the temporary's name is not written to"""
        self.write("mine", b"precious")
        os.symlink("mine", self.path(".j.wgaudit"))
        self.assert_refused(self.gate("--junit", self.path("j")), self.path("j"))
        os.unlink(self.path(".j.wgaudit"))
        os.link(self.path("mine"), self.path(".j.wgaudit"))
        self.assert_refused(self.gate("--junit", self.path("j")), self.path("j"))
        self.assertEqual(self.read("mine"), b"precious")

    def test_devices(self):
        self.assertEqual(self.gate("--junit", "/dev/null").returncode, 0)
        self.assertFalse(os.path.isfile("/dev/null"))
        run = self.gate("--junit", "/dev/stderr")
        read_junit(run.stderr)
        self.assert_refused(self.gate("--junit", "/dev/full"), "/dev/full")

    def test_cannot_write(self):
        os.mkdir(self.path("dir"))
        self.assert_refused(self.gate("--junit", self.path("dir")),
                            self.path("dir"))
        self.assert_refused(self.gate("--junit", self.path("no/j"), "--sarif",
                                      self.path("s")), self.path("no/j"))
        # the others say so
        run = read_sarif(self.read("s"))
        self.assertEqual(run["invocations"][0]["exitCode"], 2)
        # and it is told before anything is read
        self.assert_refused(wgaudit("gate", "--junit", self.path("no/j"),
                                    "/nonexistent/x.pcap"), self.path("no/j"))
        self.assert_refused(self.gate("--junit", ""), "--junit")
        self.assert_refused(self.gate("--junit", self.path("x" * 256)),
                            "xxx")
        self.assert_files("dir", "s")

    def test_disk_full(self):
        """the old file stays, no temporary does"""
        self.write("j", b"old")
        run = self.gate("--junit", self.path("j"), restore_signals=False,
                        preexec_fn=lambda: resource.setrlimit(
                            resource.RLIMIT_FSIZE, (100, 100)))
        self.assert_refused(run, self.path("j"))
        self.assertEqual(self.read("j"), b"old")
        self.assert_files("j")

    def test_standard_output_full(self):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([WGAUDIT, "gate", "--junit", self.path("j"),
                                  *self.input], stdout=full,
                                 stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"standard output", run.stderr)
        self.assertEqual(read_junit(self.read("j")).get("errors"), "1")

    def test_conflicts(self):
        for pair in (["--json", "--jsonl"], ["--json", "--junit", "-"],
                     ["--junit", "-", "--sarif", "-"]):
            run = self.gate(*pair)
            self.assertEqual(run.returncode, 2)
            self.assertIn(b"standard output", run.stdout)
        run = self.gate("--junit", self.path("x"), "--sarif", self.path("x"))
        self.assert_refused(run, self.path("x"))
        self.assertEqual(read_junit(self.read("x")).get("errors"), "1")

    def test_captures_are_safe(self):
        """--junit a.pcap b.pcap"""
        copy = shutil.copy(self.input[-1], self.path("a.pcap"))
        before = self.read("a.pcap")
        run = wgaudit("gate", "--junit", copy, self.input[-2])
        self.assert_refused(run, copy, "will not be overwritten")
        self.assertEqual(self.read("a.pcap"), before)
        self.write("b.pcapng", pcapng(CLEAR))
        self.assert_refused(self.gate("--junit", self.path("b.pcapng")),
                            "b.pcapng")
        self.assert_files("a.pcap", "b.pcapng")

    def test_standard_output_is_safe(self):
        """--junit FILE >FILE"""
        with open(self.path("x"), "wb") as out:
            run = subprocess.run([WGAUDIT, "gate", "--junit", self.path("x"),
                                  *self.input], stdout=out,
                                 stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"standard output", run.stderr)
        self.assertEqual(self.read("x"), b"")

    def test_side_by_side(self):
        """many write one file; who reads it has one of them, whole"""
        self.gate("--junit", self.path("j"))
        done = threading.Event()
        seen = []

        def reader():
            while not done.is_set():
                seen.append(self.read("j"))

        def writer():
            for _ in range(10):
                statuses.append(self.gate("--junit", self.path("j"))
                                .returncode)

        statuses = []
        watch = threading.Thread(target=reader)
        threads = [threading.Thread(target=writer) for _ in range(4)]
        watch.start()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        done.set()
        watch.join()
        self.assertEqual(set(statuses), {0})
        for text in set(seen):
            ElementTree.fromstring(text)
        self.assert_files("j")


if __name__ == "__main__":
    unittest.main()
