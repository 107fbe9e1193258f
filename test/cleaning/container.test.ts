// The check of containers next to the full decode, its oracle: what that passes, the check passes; a truncation that it finds,
// the check finds.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { cleanTheData } from "../../src/cleaning/clean";
import { type Verified, verifyImage, verifyImages } from "../../src/cleaning/verify";
import { ensureClean, recordCleaning } from "../../src/pipeline/ensure-clean";
import { copyOfImages, fixture, imageFolder, printed, temporaryFolder } from "../helpers";

process.env.XDG_CACHE_HOME = temporaryFolder();
type Files = Record<string, { data: string; changes?: [number, number][][] }>;
const damage = fixture<Files>("damage");
const { images, orientations } = fixture<{ images: Files; orientations: Files }>("formats");
const plain = readFileSync(join(imageFolder, "cats", "plain.jpg"));

/** A copy of a file, and whether it is truncated. */
type Copy = { bytes: Buffer; isCut: boolean };

/** Returns the copies that the full decode passes and the check does not, and the cut ones of which the opposite is true. */
async function disagreements(name: string, copies: Copy[]): Promise<string[]> {
	const folder = temporaryFolder();
	const paths = copies.map((_, i) => join(folder, `${i}${extname(name)}`));
	for (const [i, path] of paths.entries()) writeFileSync(path, copies[i].bytes);
	const [full, container] = [new Map<string, Verified>(), new Map<string, Verified>()];
	for await (const result of verifyImages(paths)) full.set(result.path, result);
	for await (const result of verifyImages(paths, { check: "container" })) container.set(result.path, result);
	return paths.flatMap((path, i) => {
		const [decoded, passed] = [full, container].map((results) => results.get(path)?.reason === null);
		const isWrong = copies[i].isCut ? decoded !== passed : decoded && !passed;
		return isWrong ? [`${name}, copy ${i}, ${copies[i].bytes.length} bytes: ${container.get(path)?.detail}`] : [];
	});
}

/** The whole file, and with bytes after its end, few and many. */
const wholeCopies = (whole: Buffer): Copy[] =>
	[0, 1, 20, 600, 70_000].map((more) => ({ bytes: Buffer.concat([whole, Buffer.alloc(more, 0x55)]), isCut: false }));

test("damaged files: truncated anywhere, or with changed bytes", async () => {
	for (const [name, { data, changes = [] }] of Object.entries(damage)) {
		const whole = Buffer.from(data, "base64");
		const copies = wholeCopies(whole);
		for (let size = 1; size < whole.length; size += 7) copies.push({ bytes: whole.subarray(0, size), isCut: true });
		for (let size = whole.length - 8; size < whole.length; size++)
			copies.push({ bytes: whole.subarray(0, size), isCut: true });
		for (const change of changes) {
			const bytes = Buffer.from(whole);
			for (const [at, bits] of change) bytes[at] ^= bits;
			copies.push({ bytes, isCut: false });
		}
		assert.deepEqual(await disagreements(name, copies), []);
	}
});

test("files of all formats: CMYK, several frames or pages, transparency, EXIF … whole and truncated", async () => {
	const interlaced = await sharp(plain).png({ progressive: true }).toBuffer();
	const files: Files = { ...images, ...orientations, "interlaced.png": { data: interlaced.toString("base64") } };
	for (const [name, { data }] of Object.entries(files)) {
		const whole = Buffer.from(data, "base64");
		const cuts = [0.3, 0.6, 0.95].map((part) => whole.subarray(0, Math.floor(part * whole.length)));
		const isUnsupported = (await verifyBytes(whole))?.reason === "unsupported format";
		// Of an unsupported TIFF the full decode rejects the whole file too. libtiff loads the palette8.tif without its palette.
		const hasOracle = !isUnsupported && name !== "palette8.tif";
		const copies = wholeCopies(whole).concat(hasOracle ? cuts.map((bytes) => ({ bytes, isCut: true })) : []);
		assert.deepEqual(await disagreements(name, copies), []);
	}
});

function verifyBytes(bytes: Buffer, check: "full" | "container" = "full") {
	const path = join(temporaryFolder(), "image");
	writeFileSync(path, bytes);
	return verifyImage(path, { check });
}

/** Inserts a segment after a JPEG's signature. */
function withSegment(jpeg: Buffer, kind: number, content: Buffer): Buffer {
	const head = Buffer.from([0xff, kind, 0, 0]);
	head.writeUInt16BE(content.length + 2, 2);
	return Buffer.concat([jpeg.subarray(0, 2), head, content, jpeg.subarray(2)]);
}

test("a JPEG's end is looked for after its pixels begin: a thumbnail has an end too", async () => {
	const withThumbnail = withSegment(plain, 0xe1, Buffer.concat([Buffer.from("Exif\0\0"), plain]));
	assert.equal(await verifyBytes(withThumbnail, "container"), null);
	for (const size of [plain.length + 12, plain.length + 40, withThumbnail.length - 2]) {
		const problem = await verifyBytes(withThumbnail.subarray(0, size), "container");
		assert.ok(problem, `${size} of ${withThumbnail.length} bytes`);
	}
});

test("bytes that fill a JPEG before a marker are no damage", async () => {
	const scan = plain.indexOf(Buffer.from([0xff, 0xda]));
	const fill = Buffer.alloc(3, 0xff);
	const end = plain.length - 2;
	const filled = Buffer.concat([plain.subarray(0, scan), fill, plain.subarray(scan, end), fill, plain.subarray(end)]);
	assert.equal(await verifyBytes(filled), null);
	assert.equal(await verifyBytes(filled, "container"), null);
});

/** A JPEG with a changed byte in its pixels, which does not decode. */
async function undecodable(): Promise<Buffer> {
	for (let at = plain.indexOf(Buffer.from([0xff, 0xda])) + 20; at < plain.length - 2; at++) {
		const bytes = Buffer.from(plain);
		bytes[at] ^= 0xff;
		if (await verifyBytes(bytes)) return bytes;
	}
	assert.fail("every change decodes");
}

test("what the check misses: pixels that do not decode", async () => {
	const bytes = await undecodable();
	assert.equal((await verifyBytes(bytes))?.reason, "damaged data");
	assert.equal(await verifyBytes(bytes, "container"), null);
});

test("a pass over containers counts neither as verified nor as recorded: the full decode follows", async () => {
	const dataset = temporaryFolder();
	const artifacts = temporaryFolder();
	const folders = ["train", "valid", "test"].map((split) => copyOfImages(join(dataset, split)));
	const [train] = folders;
	writeFileSync(join(train, "cats", "pixels.jpg"), await undecodable());
	writeFileSync(join(train, "cats", "cut.jpg"), plain.subarray(0, plain.length - 40));
	const text = await printed(async () => {
		for (const folder of folders) await cleanTheData(folder, { check: "container" });
	});
	assert.match(text, /cut\.jpg \(truncated: /);
	assert.doesNotMatch(text, /pixels\.jpg/);
	assert.match(text, /containers only, a first pass: pixels that do not decode are not found/);
	assert.equal(recordCleaning(dataset, artifacts, 1).check, "container");
	const found = await printed(async () => {
		assert.equal((await ensureClean(dataset, artifacts)).check, "full");
	});
	assert.match(found, /pixels\.jpg \(damaged data: /);
});
