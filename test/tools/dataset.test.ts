// `npm run dataset`: the command as a user runs it, in a child process, on sources made here.
import { strict as assert } from "node:assert";
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32, deflateRawSync } from "node:zlib";
import { create } from "tar";
import { unpack } from "../../tools/data/archive";
import { download } from "../../tools/data/download";
import { makeSampleDataset } from "../../tools/data/sample-dataset";
import { python } from "../../tools/setup/paths.mjs";
import { root } from "../helpers";

const command = join(root, "tools", "cli.mjs");
const home = mkdtempSync(join(tmpdir(), "dataset-command-"));
after(() => rmSync(home, { recursive: true, force: true }));

let made = 0;
/** A place that nothing else uses. */
const fresh = (name: string) => {
	const folder = join(home, String(++made));
	mkdirSync(folder);
	return join(folder, name);
};

/** Bytes that begin as a JPEG's, no two the same. */
const jpeg = (size = 30) => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), randomBytes(size)]);

/** Files with the given paths below a new folder, each with content of its own. */
function folderOf(...paths: string[]): string {
	const folder = fresh("photos");
	for (const path of paths) write(join(folder, path), jpeg());
	return folder;
}

function write(file: string, content: string | Uint8Array) {
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, content);
}

/** The paths `cats/0.jpg` and so on. */
const images = (folder: string, count: number) => Array.from({ length: count }, (_, i) => `${folder}/${i}.jpg`);

function start(args: string[]) {
	// Outside npm, relative paths start in the working folder.
	const { INIT_CWD, ...env } = process.env;
	const child = spawn("node", [command, "dataset", ...args], { cwd: home, env });
	const result = { code: null as number | null, out: "", err: "" };
	child.stdout.on("data", (data) => {
		result.out += data;
	});
	child.stderr.on("data", (data) => {
		result.err += data;
	});
	const done = new Promise<typeof result>((resolve) => {
		child.on("close", (code) => resolve({ ...result, code }));
	});
	return { child, done };
}

/** Runs the command into a new folder; it must succeed. */
async function bringIn(source: string, ...args: string[]) {
	const into = fresh("dataset");
	const { code, out, err } = await start([source, "--into", into, ...args]).done;
	assert.equal(`${code} ${err}`, "0 ");
	return { into, out };
}

/** Runs the command, which must fail with this one line and leave nothing behind. */
async function refuses(message: RegExp, args: string[], into = fresh("dataset")) {
	const { code, err } = await start([...args, "--into", into]).done;
	assert.match(err, message);
	assert.equal(err.split("\n").length, 2, `one line: ${err}`);
	assert.equal(code, 1);
	assert.deepEqual(existsSync(into) ? readdirSync(into) : [], []);
}

/** Path → hash of everything below a folder. */
function filesBelow(folder: string): Record<string, string> {
	const files: Record<string, string> = {};
	for (const item of readdirSync(folder, { withFileTypes: true, recursive: true })) {
		if (!item.isFile()) continue;
		const file = join(item.parentPath, item.name);
		files[file.slice(folder.length + 1)] = createHash("sha256").update(readFileSync(file)).digest("hex");
	}
	return files;
}

const hashes = (folder: string) => Object.values(filesBelow(folder)).sort();
const countIn = (...parts: string[]) => Object.keys(filesBelow(join(...parts))).length;
const counts = (into: string, name: string) => ["train", "valid", "test"].map((split) => countIn(into, split, name));

type ZipEntry = {
	name: string | Buffer;
	data?: Uint8Array;
	mode?: number;
	flags?: number;
	deflate?: boolean;
	size?: number;
};

/** A zip file, also of kinds that no honest program writes. */
function zipOf(entries: ZipEntry[]): string {
	const locals: Buffer[] = [];
	const centrals: Buffer[] = [];
	let offset = 0;
	for (const { name, data = jpeg(), mode = 0o100644, flags = 0, deflate = false, size } of entries) {
		// Encryption puts 12 bytes before the data.
		const head = flags & 1 ? randomBytes(12) : Buffer.alloc(0);
		const stored = Buffer.concat([head, deflate ? deflateRawSync(data) : data]);
		const nameBytes = Buffer.from(name as string);
		const common = Buffer.alloc(26);
		common.writeUInt16LE(20, 0);
		// The flag that says that names are UTF-8, for text.
		common.writeUInt16LE(flags | (typeof name === "string" ? 0x800 : 0), 2);
		common.writeUInt16LE(deflate ? 8 : 0, 4);
		common.writeUInt32LE(crc32(data), 10);
		common.writeUInt32LE(stored.length, 14);
		common.writeUInt32LE(size ?? data.length, 18);
		common.writeUInt16LE(nameBytes.length, 22);
		const rest = Buffer.alloc(14);
		rest.writeUInt32LE((mode << 16) >>> 0, 6);
		rest.writeUInt32LE(offset, 10);
		locals.push(Buffer.from("PK\x03\x04"), common, nameBytes, stored);
		centrals.push(Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, rest, nameBytes);
		offset += 4 + common.length + nameBytes.length + stored.length;
	}
	const end = Buffer.alloc(18);
	end.writeUInt16LE(entries.length, 4);
	end.writeUInt16LE(entries.length, 6);
	end.writeUInt32LE(Buffer.concat(centrals).length, 8);
	end.writeUInt32LE(offset, 12);
	const file = fresh("photos.zip");
	writeFileSync(file, Buffer.concat([...locals, ...centrals, Buffer.from("PK\x05\x06"), end]));
	return file;
}

const zipOfFolder = (folder: string) =>
	zipOf(
		Object.keys(filesBelow(folder)).map((name, i) => ({
			name,
			data: readFileSync(join(folder, name)),
			deflate: i % 2 === 0,
		})),
	);

async function tarOf(folder: string, name = "photos.tar.gz", paths = readdirSync(folder)): Promise<string> {
	const file = fresh(name);
	await create({ file, cwd: folder, gzip: name.endsWith("gz"), preservePaths: true }, paths);
	return file;
}

async function serve(listener: RequestListener) {
	const server = createServer(listener);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const stop = () => {
		server.closeAllConnections();
		server.close();
	};
	return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

test("a folder of classes is divided by the ratios, class by class, and nothing is lost or doubled", async () => {
	const strange = ["cats/a b\nc.jpg", "cats/Ünï çødé 猫.PNG", "cats/deep/er/0.jpg", "dogs/deep/0.jpeg"];
	const source = folderOf(...images("cats", 97), ...images("dogs", 39), ...images("birds", 3), ...strange);
	const before = filesBelow(source);
	const { into, out } = await bringIn(source);
	assert.deepEqual(filesBelow(source), before);
	assert.deepEqual(hashes(into), Object.values(before).sort());
	assert.deepEqual(counts(into, "cats"), [70, 15, 15]);
	assert.deepEqual(counts(into, "dogs"), [28, 6, 6]);
	assert.deepEqual(counts(into, "birds"), [1, 1, 1]);
	// Below the class folder, the path stays.
	for (const path of Object.keys(filesBelow(into))) assert.ok(before[path.replace(/^(train|valid|test)\//, "")], path);
	assert.match(out, /class +train +valid +test\nbirds +1 +1 +1\ncats +70 +15 +15\ndogs +28 +6 +6\nall +99 +22 +22\n/);
	assert.match(out, /npm start -- --dataset /);
	assert.deepEqual(readdirSync(into).sort(), ["test", "train", "valid"]);
});

test("other ratios are kept to, whatever their sum", async () => {
	const { into } = await bringIn(folderOf(...images("a", 50), ...images("b", 11)), "--split", "3,1,1");
	assert.deepEqual(counts(into, "a"), [30, 10, 10]);
	const small = counts(into, "b");
	assert.equal(small[0] + small[1] + small[2], 11);
	for (const [i, exact] of [6.6, 2.2, 2.2].entries()) assert.ok(Math.abs(small[i] - exact) < 1);
});

test("the seed decides which image goes where", async () => {
	const source = folderOf(...images("a", 40), ...images("b", 40));
	const [first, again, other] = [await bringIn(source), await bringIn(source), await bringIn(source, "--seed", "7")];
	assert.deepEqual(filesBelow(first.into), filesBelow(again.into));
	assert.notDeepEqual(filesBelow(first.into), filesBelow(other.into));
	assert.deepEqual(hashes(first.into), hashes(other.into));
	for (const name of images("c", 3)) write(join(source, name), jpeg());
	const more = await bringIn(source);
	rmSync(join(more.into, "train", "c"), { recursive: true });
	rmSync(join(more.into, "valid", "c"), { recursive: true });
	rmSync(join(more.into, "test", "c"), { recursive: true });
	assert.deepEqual(filesBelow(more.into), filesBelow(first.into), "a new class leaves the others as they were");
});

test("a source that is split already stays as it is", async () => {
	const source = folderOf(
		...images("Train/a", 5),
		...images("Train/b", 6),
		...images("Validation/a", 2),
		...images("Validation/b", 1),
		...images("TEST/a", 1),
		...images("TEST/b", 3),
		"extra/c/0.jpg",
	);
	const { into, out } = await bringIn(source);
	assert.deepEqual(
		[counts(into, "a"), counts(into, "b")],
		[
			[5, 2, 1],
			[6, 1, 3],
		],
	);
	const expected = Object.entries(filesBelow(source)).filter(([path]) => !path.startsWith("extra"));
	const renamed = expected.map(([path, hash]) => [
		path.replace("Train", "train").replace("Validation", "valid").replace("TEST", "test"),
		hash,
	]);
	assert.deepEqual(filesBelow(into), Object.fromEntries(renamed));
	assert.match(out, /left out 1 image outside .*: extra\/c\/0\.jpg/);
});

test("where valid is missing it is taken from train, and test is left alone", async () => {
	const parts = ["train", "test"].flatMap((split) => [...images(`${split}/a`, 34), ...images(`${split}/b`, 17)]);
	const source = folderOf(...parts);
	const { into } = await bringIn(source, "--split", "70,15,15");
	assert.deepEqual(counts(into, "a"), [28, 6, 34]);
	assert.deepEqual(counts(into, "b"), [14, 3, 17]);
	assert.deepEqual(filesBelow(join(into, "test")), filesBelow(join(source, "test")));
	assert.deepEqual(hashes(into), hashes(source));
});

test("what is not an image is counted and named, also behind an image's extension; hidden files are ignored", async () => {
	const source = folderOf(...images("a", 4), ...images("b", 4), "a/notes.txt", "b/Thumbs.db", "b/.hidden.jpg");
	write(join(source, ".DS_Store"), "");
	for (const helper of ["__MACOSX", "@eaDir", "a/@eaDir", "b/.ipynb_checkpoints"])
		write(join(source, helper, "0.jpg"), jpeg());
	for (const name of ["0.jpg", "1/0.jpg", "1/manifest.jsonl"]) write(join(source, "quarantine", name), jpeg());
	write(join(source, "a", "page.jpg"), "<html>sign in</html>");
	write(join(source, "a", "empty.png"), "");
	write(join(source, "b", "zeros.jpg"), new Uint8Array(1e6));
	const { into, out } = await bringIn(source);
	assert.match(out, /skipped 2 files that are not images: a\/notes\.txt, b\/Thumbs\.db\n/);
	const none =
		/skipped 3 files with an image's extension that cannot be read as an image: a\/empty\.png, a\/page\.jpg, b\/zeros\.jpg\n/;
	assert.match(out, none);
	assert.equal(countIn(into), 8);
});

test("links out of the source are followed where training follows them; others are named", async () => {
	const elsewhere = folderOf(...images("cats", 5), "one.jpg");
	const source = folderOf(...images("a", 4), ...images("b", 4));
	symlinkSync(join(elsewhere, "cats"), join(source, "c"));
	symlinkSync(join(elsewhere, "one.jpg"), join(source, "a", "one.jpg"));
	symlinkSync("..", join(source, "a", "loop"));
	symlinkSync("itself", join(source, "b", "itself"));
	symlinkSync("0.jpg", join(source, "b", "again.jpg"));
	symlinkSync(command, join(source, "a", "program.jpg"));
	const { into, out } = await bringIn(source);
	assert.match(out, /skipped 3 symbolic links: a\/loop, b\/again\.jpg, b\/itself\n/);
	assert.match(out, /skipped 1 file with an image's extension that cannot be read as an image: a\/program\.jpg\n/);
	assert.equal(countIn(into), 14);
	const [itself, nowhere] = [fresh("itself"), fresh("nowhere")];
	symlinkSync("itself", itself);
	symlinkSync("/no/such/folder", nowhere);
	await refuses(/itself is a link that leads nowhere/, [itself]);
	for (const target of [itself, nowhere]) {
		const { err } = await start([source, "--into", target]).done;
		assert.match(err, /^--into .* is a link that leads nowhere\.\n$/);
	}
	const dataset = fresh("dataset");
	mkdirSync(dataset);
	symlinkSync("train", join(dataset, "train"));
	await assert.rejects(makeSampleDataset(dataset), /train already exists: move it away/);
	const { code, out: moved } = await start([source, "--into", dataset]).done;
	assert.equal(code, 0);
	assert.match(moved, /moved the earlier train to /);
});

test("other names of splits, and of a class in another Unicode form, are the same", async () => {
	const [composed, decomposed] = ["\u00e9", "e\u0301"];
	const source = folderOf(
		...images(`training/${composed}`, 4),
		...images("training/b", 3),
		...images(`val/${decomposed}`, 2),
		...images("val/b", 1),
		...images(`test/${decomposed}`, 1),
		...images("test/b", 1),
	);
	const { into } = await bringIn(source);
	assert.deepEqual(counts(into, composed), [4, 2, 1]);
	assert.deepEqual(readdirSync(join(into, "valid")).sort(), ["b", composed]);
});

test("a zip, and a tar compressed or not, give what their folder gives, wrapped in a folder or not", async () => {
	const paths = [...images("cats", 9), ...images("dogs/deep", 6), "cats/a b\nc é.gif", "dogs/1.BMP"];
	const source = folderOf(...paths);
	write(join(source, "cats", "big.jpg"), jpeg(300_000));
	const expected = filesBelow((await bringIn(source)).into);
	const wrapped = fresh("outer");
	for (const path of Object.keys(filesBelow(source))) {
		write(join(wrapped, "photos", path), readFileSync(join(source, path)));
	}
	write(join(wrapped, "__MACOSX", "photos", "cats", "._0.jpg"), "");
	write(join(wrapped, "README.txt"), "");
	const tar = await tarOf(source, "photos.tar");
	const compressed = ["bz2", "lzma"].map((module) => {
		const file = fresh("photos");
		const code = `import sys, ${module}; sys.stdout.buffer.write(${module}.compress(open(sys.argv[1], "rb").read()))`;
		writeFileSync(file, execFileSync(python, ["-c", code, tar], { maxBuffer: 1e8 }));
		return file;
	});
	for (const archive of [
		...compressed,
		zipOfFolder(source),
		zipOfFolder(wrapped),
		await tarOf(source),
		await tarOf(wrapped, "photos.tgz"),
		tar,
	]) {
		const before = readFileSync(archive);
		const { into } = await bringIn(archive);
		assert.deepEqual(filesBelow(into), expected);
		assert.deepEqual(readFileSync(archive), before);
		assert.deepEqual(readdirSync(into).sort(), ["test", "train", "valid"]);
	}
});

test("archives that mean harm are refused by the entry's name, and nothing is written outside", async () => {
	const good = ["a", "b"].flatMap((name) => images(name, 3)).map((name) => ({ name }));
	for (const name of ["../evil.jpg", "a/../../evil.jpg", "/tmp/evil.jpg", "C:/evil.jpg", "..\\evil.jpg"]) {
		await refuses(/was refused: .*evil\.jpg has a name that leads out of the archive/, [zipOf([...good, { name }])]);
	}
	await refuses(/a\/link is a link or a device/, [zipOf([...good, { name: "a/link", mode: 0o120777 }])]);
	await refuses(/a\/x\.jpg is encrypted/, [zipOf([...good, { name: "a/x.jpg", flags: 1 }])]);
	await refuses(/a\/0\.jpg is there more than once/, [zipOf([...good, { name: "a/0.jpg" }])]);

	const source = folderOf(...images("photos/a", 3), ...images("photos/b", 3), "evil.jpg");
	const paths = ["a", "b", "../evil.jpg"];
	await refuses(/\.\.\/evil\.jpg has a name that leads/, [await tarOf(join(source, "photos"), "x.tar.gz", paths)]);
	symlinkSync("/etc", join(source, "photos", "a", "link"));
	await refuses(/a\/link is a link or a device/, [await tarOf(join(source, "photos"), "x.tar")]);
	const unpacked = readdirSync(home, { recursive: true }) as string[];
	assert.deepEqual(unpacked.filter((name) => name.endsWith("evil.jpg")).length, 1, "only the source's own");
});

test("archives that are too large, damaged or none at all are refused", async () => {
	const folder = folderOf(...images("a", 30), ...images("b", 30));
	const [zip, tgz, tar] = [zipOfFolder(folder), await tarOf(folder), await tarOf(folder, "photos.tar")];
	for (const archive of [zip, tgz, tar]) {
		await refuses(/unpacks to more than 0\.000001 GB: allow more with --max-gb/, [archive, "--max-gb", "0.000001"]);
		const bytes = readFileSync(archive);
		const cut = fresh("cut.bin");
		writeFileSync(cut, bytes.subarray(0, bytes.length * 0.6));
		await refuses(/cut\.bin is damaged: /, [cut]);
		const flipped = fresh("flipped.bin");
		writeFileSync(flipped, Buffer.concat([bytes.subarray(0, 50), Buffer.from("?!"), bytes.subarray(52)]));
		if (archive !== tar) await refuses(/flipped\.bin is damaged: /, [flipped]);
	}
	// The header claims 10 bytes.
	const bomb = zipOf([{ name: "a/0.jpg", data: new Uint8Array(5_000_000), deflate: true, size: 10 }]);
	await refuses(/is damaged|more than/, [bomb, "--max-gb", "0.001"]);
	// Damage after decompression began, in a format that Python decompresses.
	for (const magic of ["BZh9", "\xfd7zXZ\0"]) {
		const broken = fresh("broken.tar");
		writeFileSync(broken, Buffer.concat([Buffer.from(magic, "latin1"), randomBytes(2000)]));
		await refuses(/broken\.tar is damaged: (?!.*Traceback).+\.\n$/, [broken]);
	}
	for (const [magic, name] of [
		["7z\xbc\xaf\x27\x1c", "7z"],
		["Rar!\x1a\x07", "RAR"],
		["\x28\xb5\x2f\xfd", "Zstandard"],
	]) {
		const other = fresh("other");
		writeFileSync(other, Buffer.from(magic, "latin1"));
		await refuses(new RegExp(`other is a ${name} archive: unpack it yourself and give the folder`), [other]);
	}
	const text = fresh("photos.zip");
	writeFileSync(text, "not an archive");
	await refuses(/photos\.zip is not a \.zip, \.tar, \.tar\.gz, \.tar\.bz2 or \.tar\.xz archive/, [text]);
	await assert.rejects(unpack(zip, fresh("out"), { maxEntries: 10 }), /has more than 10 entries/);
	await assert.rejects(unpack(tgz, fresh("out"), { maxEntries: 10 }), /has more than 10 entries/);
});

test("an image that only a decompression bomb has is refused by its name", async () => {
	const good = ["a", "b"].flatMap((name) => images(name, 3)).map((name) => ({ name }));
	const zeros = new Uint8Array(30e6);
	const zip = zipOf([...good, { name: "a/bomb.jpg", data: zeros, deflate: true }]);
	await refuses(/was refused: a\/bomb\.jpg unpacks to more than 200 times its size/, [zip]);
	const folder = folderOf(...images("a", 3), ...images("b", 3));
	write(join(folder, "a", "bomb.jpg"), zeros);
	const tgz = await tarOf(folder);
	await refuses(/was refused: a\/bomb\.jpg unpacks to more than 200 times its size/, [tgz]);
	for (const archive of [zip, tgz, await tarOf(folder, "photos.tar")]) {
		const unpacked = unpack(archive, fresh("out"), { maxImageBytes: 2 ** 20 });
		await assert.rejects(unpacked, /bomb\.jpg is larger than 0\.0009765625 GiB: such an image is not read/);
	}
	// What is no image costs nothing.
	const { out } = await bringIn(zipOf([...good, { name: "a/zeros.bin", data: zeros, deflate: true }]));
	assert.match(out, /skipped 1 file that is not an image: a\/zeros\.bin/);
});

test("names of every kind arrive as they are, or are refused in one line", async () => {
	const good = ["a", "b"].flatMap((name) => images(name, 3)).map((name) => ({ name }));
	const names = [
		'a/a:b*c?"<>|.jpg',
		"a/con.jpg",
		"a/nul",
		"a/ends. .jpg",
		"a/\u001b[31mred.jpg",
		"a/0.JPG",
		"a/\u202etxt.jpg",
	];
	const { into } = await bringIn(zipOf([...good, ...names.map((name) => ({ name }))]));
	const found = Object.keys(filesBelow(into)).map((path) => path.replace(/^\w+\//, ""));
	for (const name of names.filter((name) => /\.jpg$/i.test(name))) assert.ok(found.includes(name), name);
	// Many programs write UTF-8 without saying so; others the character set of DOS.
	for (const bytes of [Buffer.from("a/\u00c4pfel.jpg"), Buffer.from("a/\x8epfel.jpg", "latin1")]) {
		const { into } = await bringIn(zipOf([...good, { name: bytes }]));
		assert.ok(Object.keys(filesBelow(into)).some((path) => path.endsWith("a/\u00c4pfel.jpg")));
	}
	await refuses(/^a\/x{300}\.jpg has a name that is too long for this disk/, [
		zipOf([...good, { name: `a/${"x".repeat(300)}.jpg` }]),
	]);
	const latin = zipOf([...good, { name: Buffer.from("a/\xe9.jpg", "latin1"), flags: 0x800 }]);
	await refuses(/was refused: a\/\ufffd\.jpg has a name that is not UTF-8/, [latin]);
});

test("a download is bounded, whatever the server says about its size", async () => {
	const server = await serve((request, response) => {
		if (request.url === "/huge") return void response.writeHead(200, { "content-length": 1e15 }).write("PK");
		if (request.url === "/said") return void response.writeHead(200, { "content-length": 5e9 }).write("PK");
		if (request.url === "/part") response.writeHead(206, { "content-range": "bytes 1000-4999999999/5000000000" });
		const more = () => {
			if (!response.destroyed) response.write(Buffer.alloc(1e5), more);
		};
		more();
	});
	const { address, stop } = server;
	try {
		for (const path of ["said", "endless"]) {
			const into = fresh("dataset");
			await refuses(
				/^http.* is larger than 0\.003 GB: allow more with --max-gb\.$/m,
				[`${address}/${path}`, "--max-gb", "0.003"],
				into,
			);
			assert.equal(existsSync(join(into, ".download")), false, "nothing stays");
		}
		const huge = download(`${address}/huge`, fresh("downloads"), { maxBytes: 1e18 });
		await assert.rejects(huge, /huge needs 1000000\.0 GB, and \d+\.\d GB are free in .*downloads: make room/);
		const folder = fresh("downloads");
		const name = createHash("sha256").update(`${address}/part`).digest("hex").slice(0, 16);
		write(join(folder, `${name}.part`), Buffer.alloc(1000));
		await assert.rejects(download(`${address}/part`, folder, { maxBytes: 3e6 }), /is larger than 0\.003 GB/);
	} finally {
		stop();
	}
});

test("a download that trickles ends in one line and can be resumed", async () => {
	const server = await serve((_, response) => {
		const timer = setInterval(() => response.write("P"), 50);
		response.on("close", () => clearInterval(timer));
	});
	const folder = fresh("downloads");
	try {
		const slow = download(server.address, folder, { stallSeconds: 0.5 });
		await assert.rejects(
			slow,
			/broke off after 0\.0 MB: only \d+ bytes arrived for 0\.5 s\. The same command resumes it\.$/,
		);
		assert.ok(readdirSync(folder).some((name) => name.endsWith(".part")));
	} finally {
		server.stop();
	}
});

test("a download that breaks off is resumed", async () => {
	const folder = folderOf(...images("a", 5), ...images("b", 5));
	write(join(folder, "a", "big.jpg"), jpeg(600_000));
	const archive = readFileSync(zipOfFolder(folder));
	const requests: { range?: string; ifRange?: string }[] = [];
	const server = await serve((request, response) => {
		requests.push({ range: request.headers.range, ifRange: request.headers["if-range"] as string });
		const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
		const headers = { etag: '"v1"', "content-length": archive.length - from };
		if (requests.length === 1) {
			response.writeHead(200, headers);
			response.write(archive.subarray(0, 300_000), () => setTimeout(() => response.destroy(), 50));
			return;
		}
		response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${archive.length - 1}/${archive.length}` });
		response.end(archive.subarray(from));
	});
	try {
		const into = fresh("dataset");
		const args = [`${server.address}/photos.zip?token=1`, "--into", into];
		const first = await start(args).done;
		assert.equal(first.code, 1);
		assert.match(first.err, /^The download of .* broke off after 0\.\d MB: .* The same command resumes it\.\n$/);
		const [part] = readdirSync(join(into, ".download")).filter((name) => name.endsWith(".part"));
		const have = readFileSync(join(into, ".download", part));
		assert.ok(have.length > 0 && archive.subarray(0, have.length).equals(have));
		const second = await start(args).done;
		assert.equal(`${second.code} ${second.err}`, "0 ");
		assert.deepEqual(requests[1], { range: `bytes=${have.length}-`, ifRange: '"v1"' });
		assert.deepEqual(hashes(into), hashes(folder));
		assert.deepEqual(readdirSync(into).sort(), ["test", "train", "valid"]);

		const url = `${server.address}/again`;
		const resumed = fresh("resumed");
		const name = createHash("sha256").update(url).digest("hex").slice(0, 16);
		write(join(resumed, `${name}.part`), archive.subarray(0, 1000));
		assert.ok(readFileSync(await download(url, resumed)).equals(archive), "byte for byte");
	} finally {
		server.stop();
	}
});

test("a file that changed on the server, or whose part is complete already, is not mixed up", async () => {
	const archive = randomBytes(5000);
	const server = await serve((request, response) => {
		if (request.url === "/changed") return response.end(archive);
		response.writeHead(416, { "content-range": `bytes */${archive.length}` }).end();
	});
	try {
		const partOf = (folder: string, url: string) =>
			join(folder, `${createHash("sha256").update(url).digest("hex").slice(0, 16)}.part`);
		const folder = fresh("downloads");
		const [changed, complete] = [`${server.address}/changed`, `${server.address}/complete`];
		write(partOf(folder, changed), randomBytes(700));
		assert.ok(readFileSync(await download(changed, folder)).equals(archive));
		write(partOf(folder, complete), archive);
		assert.ok(readFileSync(await download(complete, folder)).equals(archive));
		write(partOf(folder, `${complete}2`), randomBytes(6000));
		await assert.rejects(download(`${complete}2`, folder), /cannot resume the earlier download/);
		assert.equal(existsSync(partOf(folder, `${complete}2`)), false);
	} finally {
		server.stop();
	}
});

test("a download that cannot work is one clear line", async () => {
	const server = await serve((request, response) => {
		if (request.url === "/page") response.setHeader("content-type", "text/html").end("<html>sign in</html>");
		else if (request.url === "/text") response.end("no archive");
		else if (request.url === "/stall") response.flushHeaders();
		else response.writeHead(404).end();
	});
	const { address, stop } = server;
	try {
		await refuses(/Cannot download .*: the server answers 404 Not Found/, [`${address}/none.zip`]);
		await refuses(/page is a web page, not an archive/, [`${address}/page`]);
		await refuses(/text is not a \.zip/, [`${address}/text`]);
		const stalled = download(`${address}/stall`, fresh("downloads"), { stallSeconds: 0.3 });
		await assert.rejects(stalled, /nothing arrived for 0\.3 s/);
	} finally {
		stop();
	}
	await refuses(/Cannot download .*: .*ECONNREFUSED/, [`${address}/gone.zip`]);
});

test("the earlier data set is moved aside, whole", async () => {
	const { into } = await bringIn(folderOf(...images("a", 4), ...images("b", 4)));
	write(join(into, "sample.json"), "{}");
	write(join(into, "quarantine", "a", "0.jpg"), "0");
	write(join(into, "README.md"), "stays");
	const before = filesBelow(into);
	const source = folderOf(...images("c", 5), ...images("d", 5));
	const { code, out } = await start([source, "--into", into]).done;
	assert.equal(code, 0);
	assert.match(out, /moved the earlier train, valid, test, sample\.json, quarantine to .*previous-/);
	const [previous] = readdirSync(into).filter((name) => name.startsWith("previous-"));
	const { "README.md": readme, ...data } = before;
	assert.deepEqual(filesBelow(join(into, previous)), data);
	assert.equal(filesBelow(into)["README.md"], readme);
	assert.deepEqual(["train", "valid", "test"].flatMap((split) => hashes(join(into, split))).sort(), hashes(source));
});

test("a run that was killed leaves the earlier data, and the same command then works", async () => {
	const source = folderOf(...images("a", 300), ...images("b", 300));
	const { into } = await bringIn(folderOf(...images("a", 4), ...images("b", 4)));
	const earlier = hashes(into);
	const { child, done } = start([source, "--into", into]);
	while (!existsSync(join(into, ".incoming", "train")) && child.exitCode === null) await sleep(1);
	child.kill("SIGKILL");
	await done;
	// Wherever the kill fell, what was there is still there.
	const found = new Set(hashes(into));
	assert.ok(earlier.every((hash) => found.has(hash)));
	// The worst moment: the earlier data moved away, half of the new in place.
	rmSync(join(into, ".incoming"), { recursive: true, force: true });
	write(join(into, ".incoming", "train", "a", "half.jpg"), "half");
	rmSync(join(into, "valid"), { recursive: true, force: true });
	const { code, err } = await start([source, "--into", into]).done;
	assert.equal(`${code} ${err}`, "0 ");
	assert.equal(existsSync(join(into, ".incoming")), false);
	assert.deepEqual(["train", "valid", "test"].flatMap((split) => hashes(join(into, split))).sort(), hashes(source));
});

test("bad input is one clear line", async () => {
	const good = folderOf(...images("a", 4), ...images("b", 4));
	await refuses(/^Usage: npm run dataset -- FOLDER\|ARCHIVE\|URL /, []);
	await refuses(/^No such folder or archive: nowhere/, ["nowhere"]);
	await refuses(/cat\.jpg is directly in .*photos: put images into one folder per class, for example /, [
		folderOf("cat.jpg", ...images("a", 4), ...images("b", 4)),
	]);
	await refuses(/0\.jpg is directly in .*photos: put/, [folderOf("0.jpg", "1.jpg")]);
	await refuses(/has no class folders/, [folderOf("notes.txt")]);
	await refuses(/has only one class, a: at least two are needed/, [folderOf(...images("a", 9))]);
	await refuses(/photos\/b has no images/, [folderOf(...images("a", 9), "b/notes.txt")]);
	await refuses(/b has 2 images: at least 3 are needed/, [folderOf(...images("a", 9), ...images("b", 2))]);
	await refuses(/has train and val but no test folder/, [folderOf("train/a/0.jpg", "val/a/0.jpg")]);
	await refuses(/has a class b, but none in test/, [
		folderOf("train/a/0.jpg", "train/b/0.jpg", "train/c/0.jpg", "test/a/0.jpg", "test/c/0.jpg"),
	]);
	const latin = folderOf(...images("a", 4), ...images("b", 4));
	// Only some file systems take such a name.
	if (process.platform === "linux") {
		writeFileSync(Buffer.concat([Buffer.from(`${latin}/a/`), Buffer.from([0xe9]), Buffer.from(".jpg")]), "");
		await refuses(/has a name that is not UTF-8/, [latin]);
	}
	await refuses(/^Unknown option --splitt: did you mean --split\?/, [good, "--splitt", "1,1,1"]);
	await refuses(/^Unknown option --verbose\. Usage/, [good, "--verbose"]);
	for (const split of ["70,15", "70,15,0", "70,x,15"]) {
		await refuses(/^--split .*: expected three numbers above 0, for train, valid, test, for example 70,15,15$/m, [
			good,
			"--split",
			split,
		]);
	}
	await refuses(/^--seed x: expected a whole number$/m, [good, "--seed", "x"]);
	await refuses(/^--max-gb 0: expected a number above 0$/m, [good, "--max-gb", "0"]);
	await refuses(/^One source at a time, not 2/, [good, good]);
	await refuses(/dataset is inside .*photos: give another folder/, [good], join(good, "dataset"));
	const before = filesBelow(good);
	const { code, err } = await start([join(good, "a"), "--into", good]).done;
	assert.match(err, /is inside the data set's folder .*photos: move it out first\.\n$/);
	assert.equal(code, 1);
	assert.deepEqual(filesBelow(good), before);
});
