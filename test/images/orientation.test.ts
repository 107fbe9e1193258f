import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { readerOf } from "../../src/images/formats";
import { avifTurns, readOrientation, tiffTags } from "../../src/images/orientation";
import { fixture, temporaryFolder } from "../helpers";

const { orientations } = fixture<{ orientations: Record<string, { data: string }> }>("formats");
const recorded = (name: string) => Buffer.from(orientations[name].data, "base64");

/** A TIFF structure with one tag: the orientation. */
function exif(orientation: number, bigEndian: boolean): Buffer {
	const bytes = Buffer.alloc(26);
	bytes.write(bigEndian ? "MM" : "II", "latin1");
	const [short, long] = bigEndian
		? [bytes.writeUInt16BE.bind(bytes), bytes.writeUInt32BE.bind(bytes)]
		: [bytes.writeUInt16LE.bind(bytes), bytes.writeUInt32LE.bind(bytes)];
	for (const [value, at] of [
		[42, 2],
		[1, 8],
		[0x0112, 10],
		[3, 12],
		[orientation, 18],
	])
		short(value, at);
	for (const [value, at] of [
		[8, 4],
		[1, 14],
	])
		long(value, at);
	return bytes;
}

const segment = (kind: number, content: Buffer) => {
	const head = Buffer.from([0xff, kind, 0, 0]);
	head.writeUInt16BE(content.length + 2, 2);
	return Buffer.concat([head, content]);
};

describe("readOrientation", () => {
	const folder = temporaryFolder();
	const orientationOf = (name: string, bytes: Uint8Array) => {
		const path = join(folder, name);
		writeFileSync(path, bytes);
		return readOrientation(path);
	};
	const plain = sharp({ create: { width: 8, height: 6, channels: 3, background: "red" } });

	test("of JPEG: both byte orders, behind other segments and 60 kB of a profile, and no XMP", async () => {
		const jpeg = await plain.clone().jpeg().toBuffer();
		const [start, rest] = [jpeg.subarray(0, 2), jpeg.subarray(2)];
		const profile = segment(0xe2, Buffer.alloc(60_000, 0xff));
		const xmp = segment(0xe1, Buffer.from("http://ns.adobe.com/xap/1.0/\0<x/>"));
		for (const bigEndian of [false, true]) {
			const tags = segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), exif(6, bigEndian)]));
			assert.equal(orientationOf("behind.jpg", Buffer.concat([start, profile, xmp, tags, rest])), 6);
		}
		assert.equal(orientationOf("xmp.jpg", Buffer.concat([start, xmp, rest])), 1);
	});

	test("of PNG: also behind the pixels", async () => {
		const png = await plain.clone().png().toBuffer();
		const tags = exif(8, true);
		const chunk = Buffer.concat([Buffer.alloc(4), Buffer.from("eXIf"), tags, Buffer.alloc(4)]);
		chunk.writeUInt32BE(tags.length, 0);
		assert.equal(orientationOf("behind.png", Buffer.concat([png.subarray(0, -12), chunk, png.subarray(-12)])), 8);
	});

	test("of WebP: with and without the prefix of JPEG", () => {
		const webp = recorded("orientation3.webp");
		const at = webp.indexOf("EXIF");
		for (const prefix of ["", "Exif\0\0"]) {
			const content = Buffer.concat([Buffer.from(prefix), exif(5, false)]);
			const head = Buffer.from("EXIF\0\0\0\0");
			head.writeUInt32LE(content.length, 4);
			assert.equal(orientationOf("prefix.webp", Buffer.concat([webp.subarray(0, at), head, content])), 5);
		}
	});

	test("a value that is none, and a directory that points anywhere, are upright", async () => {
		const jpeg = await plain.clone().jpeg().toBuffer();
		const file = (tags: Buffer) =>
			Buffer.concat([
				jpeg.subarray(0, 2),
				segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), tags])),
				jpeg.subarray(2),
			]);
		for (const value of [0, 9, 65535]) assert.equal(orientationOf("none.jpg", file(exif(value, false))), 1);
		const astray = exif(6, false);
		astray.writeUInt32LE(0xffffffff, 4);
		assert.equal(orientationOf("astray.jpg", file(astray)), 1);
	});
});

test("BigTIFF and a directory of 65,535 entries", async () => {
	const big = Buffer.alloc(44);
	big.write("II+\0\x08\0\0\0\x10", "latin1");
	big.writeUInt32LE(1, 16);
	big.writeUInt16LE(0x0112, 24);
	big.writeUInt16LE(3, 26);
	big.writeUInt32LE(1, 28);
	big.writeUInt16LE(7, 36);
	assert.deepEqual(tiffTags(readerOf(big)), new Map([[0x0112, [7]]]));
	const many = exif(6, false);
	many.writeUInt16LE(65535, 8);
	assert.deepEqual(tiffTags(readerOf(many)).get(0x0112), [6]);
});

test("AVIF: rotation and mirroring are found, and boxes without end are left", () => {
	const avif = recorded("orientation7.avif");
	assert.deepEqual(
		avifTurns(readerOf(avif)).map(({ type }) => type),
		["irot", "imir"],
	);
	const meta = avif.indexOf("meta") - 4;
	for (const size of [0, 1, 7, 0xffffffff]) {
		avif.writeUInt32BE(size, meta);
		assert.ok(avifTurns(readerOf(avif)).length <= 2);
	}
});
