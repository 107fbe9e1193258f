import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "protobufjs";
import { augmented, dataAugmentation } from "../../src/augmentation/augment";
import { cnn } from "../../src/cnn/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { nodeBackend } from "../../src/tensorflow/backend";
import { compile } from "../../src/training/compile";
import { train } from "../../src/training/train";
import { fixture, imageFolder, root, temporaryFolder } from "../helpers";

const recorded = fixture<{
	requires: string[];
	askedFor: string[];
	libraries: Record<string, { needed: string[]; searched: string[] }>;
	kernels: Record<string, Record<string, number[]>[]>;
}>("gpu");
const wheels = join(root, ".venv", "gpu");
const withWheels = {
	skip: existsSync(wheels) ? false : "the GPU's libraries are not installed: npm run setup -- --gpu",
};

/** Runs code of set-up in a separate process. */
function runTool(code: string, env: Record<string, string> = {}): SpawnSyncReturns<string> {
	const script = `import * as gpu from "./tools/setup/gpu.mjs"; import { usableDevice } from "./tools/setup/device.mjs"; ${code}`;
	const options = { cwd: root, encoding: "utf8", env: { ...process.env, ...env } } as const;
	return spawnSync(process.execPath, ["--input-type=module", "-e", script], options);
}

/** A folder with an `nvidia-smi` that answers like a machine's. */
function nvidiaSmi(answers: string): string {
	const folder = temporaryFolder();
	writeFileSync(join(folder, "nvidia-smi"), `#!/bin/sh\ncase "$1" in\n${answers}\nesac\n`);
	chmodSync(join(folder, "nvidia-smi"), 0o755);
	return folder;
}

const found = (path: string) => {
	const code = "try { console.log(JSON.stringify(gpu.findGpu())) } catch (error) { console.log(error.message) }";
	return runTool(code, { PATH: path }).stdout.trim();
};

test("a GPU is described by what nvidia-smi reports of the first one", () => {
	const folder = nvidiaSmi(`
		*compute_cap*) printf '9.0\\n8.6\\n';;
		*name*) printf 'NVIDIA H100 80GB HBM3, 550.54.14, 81559, 1024\\nNVIDIA RTX A4000, 550.54.14, 16376, 0\\n';;`);
	assert.deepEqual(JSON.parse(found(folder)), {
		name: "NVIDIA H100 80GB HBM3",
		driver: "550.54.14",
		memory: 81559,
		used: 1024,
		capability: "9.0",
	});
});

test("a GPU that TensorFlow cannot use is refused in one line, before anything is downloaded", () => {
	const old =
		"*name*) echo 'Tesla K80, 470.82.01, 11441, 0';; *) echo 'Field \"compute_cap\" is not a valid field'; exit 2;;";
	assert.equal(
		found(nvidiaSmi(old)),
		"the driver of the Tesla K80 is 470.82.01, and CUDA 12 needs 525.60.13 or newer: update it",
	);
	const small = "*compute_cap*) echo 5.2;; *) echo 'GeForce GTX 970, 535.183.01, 4096, 0';;";
	assert.match(found(nvidiaSmi(small)), /GTX 970 has compute capability 5\.2, and TensorFlow 2\.21 needs 6\.0/);
	const broken = '*) echo "NVIDIA-SMI has failed because it couldn\'t communicate with the driver."; exit 9;;';
	assert.match(found(nvidiaSmi(broken)), /^nvidia-smi reports: NVIDIA-SMI has failed because/);
	assert.equal(found("/nowhere"), "there is no NVIDIA driver (nvidia-smi is not there)");
});

test("without a GPU the CPU is used, which is reported only to those who requested a GPU", () => {
	const reported = (requested: string) =>
		runTool(`console.log(await usableDevice(${requested}))`, { PATH: "/nowhere" }).stdout;
	assert.equal(reported("undefined"), "cpu\n");
	assert.equal(
		reported('"gpu"'),
		"setup: TensorFlow runs on the CPU: there is no NVIDIA driver (nvidia-smi is not there)\ncpu\n",
	);
	const old = nvidiaSmi("*) echo 'Tesla K80, 470.82.01, 11441, 0';;");
	const notRequested = runTool("console.log(await usableDevice())", { PATH: old }).stdout;
	assert.match(notRequested, /^setup: TensorFlow runs on the CPU: the driver of the Tesla K80 is .*\ncpu\n$/);
});

test("a dry run names each wheel with its size, and installs nothing", () => {
	const before = existsSync(wheels);
	const command = [join(root, "tools", "cli.mjs"), "setup", "--gpu", "--dry-run"];
	const { status, stdout } = spawnSync("node", command, { encoding: "utf8" });
	assert.equal(status, 0);
	const pinned = readFileSync(join(root, "requirements-gpu.txt"), "utf8").matchAll(/^# (\d+ MB)\n(\S+==\S+) /gm);
	const lines = [...pinned].map(([, size, wheel]) => `${wheel}  ${size}`);
	assert.equal(lines.length, recorded.requires.length + 1);
	assert.deepEqual(stdout.trim().split("\n").slice(1, -1), lines);
	assert.match(stdout, /^13 wheels, 3\.4 GB to download, 6 GB in \.venv\/gpu$/m);
	assert.equal(existsSync(wheels), before);
});

test("the pinned wheels are what tensorflow[and-cuda] requires", () => {
	const code = `
import sys
from packaging.requirements import Requirement
pinned = dict(line.split()[0].split("==") for line in open("requirements-gpu.txt") if "==" in line and line[0] != "#")
tensorflow = pinned.pop("tensorflow")
for line in sys.argv[1:]:
    requirement = Requirement(line)
    assert requirement.specifier.contains(pinned.pop(requirement.name)), line
assert not pinned, pinned
assert f"tensorflow-cpu=={tensorflow} " in open("requirements-tensorflow.txt").read(), tensorflow`;
	const python = join(root, ".venv", "bin", "python");
	const result = spawnSync(python, ["-c", code, ...recorded.requires], { cwd: root, encoding: "utf8" });
	assert.equal(result.status, 0, result.stderr);
});

/** Libraries of the driver and the system. */
const SYSTEM =
	/^(libcuda\.so\.1|libnvidia-ml\.so\.1|ld-linux-x86-64\.so\.2|lib(c|m|z|dl|rt|util|pthread|stdc\+\+|gcc_s)\.so\.\d+)$/;
const OUR_LINK = "nvidia/cuda_runtime/lib/libcusolver.so.11";

/** The loader's search, on the recorded headers: the file that a library finds under a name, or null. */
function resolve(name: string, { searched }: { searched: string[] }, folder: string, files: string[]): string | null {
	return searched.map((place) => join(folder, place, name)).find((file) => files.includes(file)) ?? null;
}

function unresolved(files: string[]): string[] {
	const [framework] = Object.entries(recorded.libraries).filter(([file]) => /framework/.test(file));
	const requested = recorded.askedFor.map((name) => ({ name, by: framework[0], ...framework[1] }));
	const needed = Object.entries(recorded.libraries).flatMap(([by, { needed, searched }]) =>
		needed.map((name) => ({ name, by, needed, searched })),
	);
	return [...requested, ...needed]
		.filter(({ name, by, ...library }) => !SYSTEM.test(name) && !resolve(name, library, dirname(by), files))
		.map(({ name, by }) => `${basename(by)} needs ${name}`);
}

test("each CUDA library is found from where TensorFlow, and each other library, looks for it", () => {
	const files = Object.keys(recorded.libraries);
	assert.deepEqual(unresolved([...files, OUR_LINK]), []);
	// Without set-up's link one is not: when that changes, the link can go.
	assert.deepEqual(unresolved(files), ["libtensorflow_framework.so.2 needs libcusolver.so.11"]);
	// And what that one needs is found from the link as from its own folder.
	const cusolver = recorded.libraries["nvidia/cusolver/lib/libcusolver.so.11"];
	for (const name of cusolver.needed.filter((name) => !SYSTEM.test(name)))
		assert.ok(resolve(name, cusolver, dirname(OUR_LINK), files), name);
});

const { root: messages } = parse(`
	syntax = "proto3";
	message Attr { int32 type = 6; }
	message Node { string name = 1; string op = 2; map<string, Attr> attr = 5; }
	message Graph { repeated Node node = 1; }
	message MetaGraph { Graph graphDef = 2; }
	message SavedModel { repeated MetaGraph metaGraphs = 2; }
`);
type GraphNode = { name: string; op: string; attr: Record<string, { type: number }> };

/** The nodes of the graphs that are loaded while `work` runs. */
async function graphsOf(work: () => Promise<unknown>): Promise<GraphNode[][]> {
	const backend = nodeBackend();
	const { binding } = backend;
	const graphs: GraphNode[][] = [];
	const loadSavedModel = (folder: string, tags: string, config?: Uint8Array) => {
		const decoded = messages.lookupType("SavedModel").decode(readFileSync(join(folder, "saved_model.pb")));
		const { metaGraphs } = decoded as unknown as { metaGraphs: { graphDef: { node: GraphNode[] } }[] };
		graphs.push(metaGraphs[0].graphDef.node);
		return binding.loadSavedModel(folder, tags, config);
	};
	const all = Object.getOwnPropertyNames(binding).map((name) => [name, binding[name as `TF_${string}`]]);
	backend.binding = { ...Object.fromEntries(all), loadSavedModel };
	try {
		await work();
	} finally {
		backend.binding = binding;
	}
	return graphs;
}

function hasGpuKernel({ op, attr }: GraphNode): boolean {
	return (recorded.kernels[op] ?? []).some((types) =>
		Object.entries(types).every(([name, allowed]) => !attr[name] || allowed.includes(attr[name].type)),
	);
}

test("training, evaluation and prediction run on the GPU from end to end; decoding stays on the CPU", async () => {
	const data = imageDatasetFromDirectory(imageFolder, { imageSize: [64, 64], batchSize: 4, seed: 1, verbose: false });
	const graphs = await graphsOf(async () => {
		for (const options of [{}, { batchNormalization: true, separable: true, globalAveragePooling: true, l2: 0.01 }]) {
			const model = cnn({ seed: 1, classes: data.classNames.length, ...options });
			compile(model);
			const training = augmented(data, dataAugmentation(64, 1));
			await train(model, training, { epochs: 1, validationData: data, onProgress: null });
			await evaluate(model, data);
			await predict(model, data);
		}
	});
	const decoding = graphs.filter((nodes) => nodes.some(({ op }) => op === "TensorSliceDataset"));
	const computing = graphs.filter((nodes) => !decoding.includes(nodes));
	assert.ok(decoding.length > 0 && computing.length >= 6);
	for (const node of decoding.flat().filter(({ op }) => /Dataset|Iterator/.test(op)))
		assert.ok(!hasGpuKernel(node), node.op);
	const onCpu = computing.flat().filter((node) => !hasGpuKernel(node));
	assert.deepEqual([...new Set(onCpu.map(({ op }) => op))], []);
});

test("the installed wheels are the pinned ones, with the recorded headers", withWheels, () => {
	const pinned = [...readFileSync(join(root, "requirements-gpu.txt"), "utf8").matchAll(/^(\S+)==(\S+) /gm)];
	const installed = readdirSync(wheels).filter((name) => name.endsWith(".dist-info"));
	const expected = pinned.map(([, name, version]) => `${name.replaceAll("-", "_")}-${version}.dist-info`);
	assert.deepEqual(installed.sort(), expected.sort());
	for (const [file, { needed }] of Object.entries(recorded.libraries)) {
		const { stdout } = spawnSync("readelf", ["-d", join(wheels, file)], { encoding: "utf8", maxBuffer: 1e8 });
		assert.deepEqual(
			[...stdout.matchAll(/Shared library: \[(.*)\]/g)].map(([, name]) => name),
			needed,
			file,
		);
	}
});

/** The environment of a machine whose one GPU is busy. */
function busyGpu(): Record<string, string> {
	const folder = temporaryFolder();
	const driver = join(folder, "libcuda.so.1");
	const source = join(__dirname, "..", "fixtures", "busy-driver.c");
	assert.equal(spawnSync("cc", ["-shared", "-fPIC", "-o", driver, source, "-ldl"]).status, 0);
	copyFileSync(driver, join(folder, "libnvidia-ml.so.1"));
	return { LD_LIBRARY_PATH: folder };
}

test("the probe reports where the convolution ran, also where oneDNN replaces it", () => {
	for (const TF_ENABLE_ONEDNN_OPTS of ["0", "1"]) {
		const env = { TF_ENABLE_ONEDNN_OPTS, CUDA_VISIBLE_DEVICES: "" };
		const { status, stdout, stderr } = runTool("console.log(JSON.stringify(gpu.probe()))", env);
		assert.equal(status, 0, stderr);
		const { device, right } = JSON.parse(stdout) as { device: string; right: boolean };
		assert.deepEqual([device, right], ["CPU:0", true]);
	}
});

const probed = (env: Record<string, string>) => {
	const { stdout, stderr } = runTool(`console.log(JSON.stringify(gpu.probe("${wheels}/tensorflow")))`, env);
	assert.ok(stdout, stderr);
	return JSON.parse(stdout) as {
		libraries: string[];
		missing: unknown[];
		device: string;
		right: boolean;
		problem: string;
	};
};

test("TensorFlow loads every library it asks for, and a busy GPU leaves the CPU", withWheels, () => {
	const { libraries, missing, device, right, problem } = probed(busyGpu());
	assert.deepEqual(missing, []);
	const loaded = libraries.map((file) => basename(file));
	for (const name of recorded.askedFor) assert.ok(loaded.includes(name), name);
	for (const file of libraries) assert.ok(SYSTEM.test(basename(file)) || file.startsWith(wheels), file);
	assert.deepEqual([device, right], ["CPU:0", true]);
	assert.match(problem, /busy or unavailable/);
	assert.match(probed({ ...busyGpu(), OLD_DRIVER: "1" }).problem, /driver version is insufficient/);
});

test("a program continues on the CPU, graphs too, and reports it in one line", withWheels, () => {
	const code = `
		const tf = require("@tensorflow/tfjs-node-gpu");
		const { traced } = require("./src/tensorflow/graph");
		console.log(tf.getBackend(), traced(([x]) => [x.square()])([tf.scalar(3)])[0].dataSync()[0]);`;
	const { LD_LIBRARY_PATH } = busyGpu();
	// With oneDNN, TensorFlow reports on some processors that results can differ, whatever the log level.
	const quiet = { TF_CPP_MIN_LOG_LEVEL: "3", TF_ENABLE_ONEDNN_OPTS: "0" };
	const env = { ...process.env, ...quiet, LD_LIBRARY_PATH: `${wheels}/tensorflow:${LD_LIBRARY_PATH}` };
	const args = ["--require", "tsx/cjs", "-e", code];
	const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", env });
	assert.equal(stdout, "tensorflow 9\n", stderr);
	assert.match(stderr, /^The GPU cannot be used, so the CPU is: cudaGetDevice\(\) failed\..*\n$/);
});
