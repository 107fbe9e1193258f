// Archives for `npm run dataset`: fetched so that an interrupted download goes on, unpacked so that a hostile
// file can do no harm.
import { createHash } from "node:crypto";
import {
	closeSync,
	createReadStream,
	createWriteStream,
	existsSync,
	mkdirSync,
	openSync,
	readFileSync,
	readSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";

/** An archive that trying again cannot help: damaged, unsafe, or no archive at all. */
export class BadArchive extends Error {}

/** An archive that is fine but larger than the user allowed. */
class TooLarge extends Error {}

/** Names come from strangers: control characters would break the one line, or command the terminal. */
export const shown = (name) => name.replace(/\p{Cc}/gu, (character) => encodeURIComponent(character));

const isPicture = (name) => /\.(jpe?g|png|gif|bmp)$/i.test(name);
const isIgnored = (name) => name.startsWith(".") || name === "__MACOSX";

/**
 * What a path in a source is: null when it is to be ignored, else an entry with its kind, "folder", "picture"
 * (what Keras's image_dataset_from_directory reads) or "other".
 */
export function entryFor(path, isFolder) {
	if (path.length === 0 || path.some(isIgnored)) return null;
	return { path, kind: isFolder ? "folder" : isPicture(path.at(-1)) ? "picture" : "other" };
}

/**
 * Unpacks the pictures of a zip, tar or tar.gz file into the folder `into` and resolves to its entries:
 * `{ path: ["cats", "a.jpg"], kind, file }`, where `file` is the place of an unpacked picture.
 *
 * The unpacked files are numbered: no name from the archive reaches the file system before the whole archive
 * has been checked. Throws BadArchive for path traversal, links, devices, encryption and damage, and stops at
 * `maxBytes` unpacked bytes or `maxEntries` entries. `label` is what messages call the archive.
 */
export async function unpack(archive, into, { label = archive, maxBytes = 20e9, maxEntries = 2e6 } = {}) {
	const reader = { zip: readZip, tar: readTar, gzip: readTar }[formatOf(archive)];
	if (!reader) throw new BadArchive(`${label} is not a .zip, .tar, .tar.gz or .tgz archive.`);
	mkdirSync(into, { recursive: true });
	try {
		return await reader(archive, new Collector(into, { label, maxBytes, maxEntries }));
	} catch (error) {
		// What has a system call failed on this machine, a full disk for example: not the archive's fault.
		if (error instanceof BadArchive || error instanceof TooLarge || error.syscall) throw error;
		throw new BadArchive(`${label} is damaged: ${shown(error.message)}.`, { cause: error });
	}
}

/** By content, because an address need not end in a file name. */
function formatOf(archive) {
	const head = Buffer.alloc(262);
	const descriptor = openSync(archive, "r");
	readSync(descriptor, head);
	closeSync(descriptor);
	if (["PK\x03\x04", "PK\x05\x06"].includes(head.toString("latin1", 0, 4))) return "zip";
	if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
	return head.toString("latin1", 257) === "ustar" ? "tar" : null;
}

/** The entries seen so far, and the limits that they must keep to. */
class Collector {
	entries = [];
	#seen = new Set();
	#count = 0;
	#bytes = 0;
	#limits;

	constructor(folder, limits) {
		this.folder = folder;
		this.#limits = limits;
	}

	/** The new entry for a name in the archive, or null when it is to be ignored. */
	add(name, isFolder) {
		const { label, maxEntries } = this.#limits;
		if (++this.#count > maxEntries) throw new TooLarge(`${label} has more than ${maxEntries} entries.`);
		const path = name.split("/").filter((part) => part !== "" && part !== ".");
		if (/^([/\\]|[a-z]:)/i.test(name) || name.includes("\0") || path.includes("..")) {
			this.refuse(name, "has a name that leads out of the archive");
		}
		const entry = entryFor(path, isFolder);
		if (entry === null) return null;
		const key = path.join("/");
		if (entry.kind === "picture" && this.#seen.has(key)) this.refuse(name, "is there more than once");
		if (entry.kind === "picture") {
			this.#seen.add(key);
			entry.file = join(this.folder, String(this.#count));
		}
		this.entries.push(entry);
		return entry;
	}

	refuse(name, why) {
		throw new BadArchive(`${this.#limits.label} was refused: ${shown(name)} ${why}.`);
	}

	/** Passes chunks on and counts them: what a header says about sizes may be a lie. */
	async *counted(chunks) {
		const { label, maxBytes } = this.#limits;
		for await (const chunk of chunks) {
			this.#bytes += chunk.length;
			if (this.#bytes > maxBytes) {
				throw new TooLarge(`${label} unpacks to more than ${maxBytes / 1e9} GB: allow more with --max-gb.`);
			}
			yield chunk;
		}
	}
}

async function readZip(archive, collector) {
	const yauzl = (await import("yauzl")).default;
	// Raw names, because yauzl's own refusal of a name does not say which of its errors it is.
	const zip = await yauzl.openPromise(archive, { decodeStrings: false });
	for await (const item of zip.eachEntry()) {
		const name = yauzl.getFileNameLowLevel(item.generalPurposeBitFlag, item.fileName, item.extraFields, false);
		const type = (item.externalFileAttributes >>> 16) & 0o170000;
		if (![0, 0o100000, 0o040000].includes(type)) collector.refuse(name, "is a link or a device");
		const entry = collector.add(name, name.endsWith("/"));
		if (!entry?.file) continue;
		if (item.isEncrypted()) collector.refuse(name, "is encrypted: unpack the archive yourself and give the folder");
		if (!item.canDecodeFileData()) collector.refuse(name, "is compressed in a way that cannot be read here");
		const content = collector.counted(await zip.openReadStreamPromise(item));
		await pipeline(checked(content, item.crc32), createWriteStream(entry.file));
	}
	return collector.entries;
}

/** Passes chunks on and compares their checksum. Node has one to offer since 20.15; before, sizes must do. */
async function* checked(chunks, expected) {
	let sum = 0;
	for await (const chunk of chunks) {
		sum = zlib.crc32?.(chunk, sum) ?? expected;
		yield chunk;
	}
	if (sum !== expected) throw new Error("a checksum does not match");
}

async function readTar(archive, collector) {
	const { Parser } = await import("tar");
	const writing = new Set();
	const parser = new Parser({
		strict: true,
		onReadEntry(item) {
			const work = takeFromTar(item, collector)
				.catch((error) => parser.emit("error", error))
				.finally(() => writing.delete(work));
			writing.add(work);
		},
	});
	// Counted between unzipping and parsing, so that headers and what is skipped count too.
	const unzip = formatOf(archive) === "gzip" ? [zlib.createGunzip()] : [];
	await pipeline(createReadStream(archive), ...unzip, (chunks) => collector.counted(chunks), parser);
	await Promise.all(writing);
	return collector.entries;
}

async function takeFromTar(item, collector) {
	const isFolder = item.type === "Directory" || item.type === "GNUDumpDir";
	if (!isFolder && !["File", "OldFile", "ContiguousFile"].includes(item.type)) {
		collector.refuse(item.path, "is a link or a device");
	}
	const entry = collector.add(item.path, isFolder);
	if (!entry?.file) return item.resume();
	// As a generator, because tar's entries are almost but not quite Node streams.
	const chunks = async function* () {
		yield* item;
	};
	await pipeline(chunks, createWriteStream(entry.file));
}

/**
 * Downloads `url` into `folder` and resolves to the file. What has arrived stays in a .part file when the
 * download breaks off; the next call asks only for the rest. A finished file is used again.
 */
export async function download(url, folder, { stallSeconds = 60 } = {}) {
	const name = join(folder, createHash("sha256").update(url).digest("hex").slice(0, 16));
	const done = `${name}.archive`;
	if (existsSync(done)) return done;
	mkdirSync(folder, { recursive: true });
	const stall = stallGuard(stallSeconds);
	try {
		const part = await downloadPart(url, name, stall);
		renameSync(part, done);
		rmSync(`${name}.version`, { force: true });
		return done;
	} finally {
		stall.stop();
	}
}

async function downloadPart(url, name, stall) {
	const part = `${name}.part`;
	const response = await request(url, name, stall);
	const [, start, size] = /(\d+|\*)(?:-\d+)?\/(\d+)/.exec(response.headers.get("content-range")) ?? [];
	const have = sizeOf(part);
	if (response.status === 416 && Number(size) === have) return part;
	if (response.status === 416 || (response.status === 206 && Number(start) !== have)) {
		rmSync(part, { force: true });
		throw new Error(`${url}: the server cannot continue the earlier download. Try again to start afresh.`);
	}
	await refuseAnswer(url, response);

	// Content that was decoded on its way has other offsets than the server's file: it cannot be resumed.
	const decoded = response.headers.has("content-encoding");
	const file = decoded ? `${name}.decoded` : part;
	const resumed = response.status === 206;
	const length = response.headers.get("content-length");
	const total = Number(size) || (decoded || length === null ? null : Number(length));
	if (!resumed) writeFileSync(`${name}.version`, versionOf(response));
	const progress = progressLine(url, resumed ? have : 0, total);
	try {
		const counted = async function* (chunks) {
			for await (const chunk of chunks) {
				stall.alive();
				progress.add(chunk.length);
				yield chunk;
			}
		};
		await pipeline(response.body, counted, createWriteStream(file, { flags: resumed ? "a" : "w" }));
	} catch (error) {
		if (error.syscall && !error.cause) throw error;
		throw new Error(brokenOff(url, file, stall.reason ?? causeOf(error)));
	} finally {
		progress.end();
	}
	if (total !== null && sizeOf(file) < total) throw new Error(brokenOff(url, file, "the server ended it"));
	return file;
}

async function request(url, name, stall) {
	// Unasked, servers may compress on the way, and then Range counts other bytes than ours.
	const headers = { "Accept-Encoding": "identity" };
	const have = sizeOf(`${name}.part`);
	if (have > 0) {
		headers.Range = `bytes=${have}-`;
		const version = existsSync(`${name}.version`) ? readFileSync(`${name}.version`, "utf8") : "";
		if (version) headers["If-Range"] = version;
	}
	try {
		return await fetch(url, { headers, signal: stall.signal });
	} catch (error) {
		throw new Error(`Cannot download ${url}: ${stall.reason ?? causeOf(error)}.`);
	}
}

async function refuseAnswer(url, response) {
	const isPage = /^text\/html/i.test(response.headers.get("content-type") ?? "");
	if (response.ok && !isPage) return;
	await response.body?.cancel();
	if (!response.ok)
		throw new Error(`Cannot download ${url}: the server answers ${response.status} ${response.statusText}.`);
	throw new Error(`${url} is a web page, not an archive: give the address of the file itself.`);
}

/** What If-Range can compare: a weak ETag does not promise the same bytes. */
function versionOf({ headers }) {
	const etag = headers.get("etag");
	return etag && !etag.startsWith("W/") ? etag : (headers.get("last-modified") ?? "");
}

const sizeOf = (file) => (existsSync(file) ? statSync(file).size : 0);
const causeOf = (error) => error.cause?.message || error.cause?.code || error.message;
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function brokenOff(url, file, why) {
	const kept = file.endsWith(".part") ? " The same command goes on from there." : "";
	return `The download of ${url} broke off after ${megabytes(sizeOf(file))} MB: ${shown(why)}.${kept}`;
}

/** Aborts `signal` when `alive` has not been called for `seconds`. */
function stallGuard(seconds) {
	const controller = new AbortController();
	const guard = {
		signal: controller.signal,
		reason: null,
		alive: () => timer.refresh(),
		stop: () => clearTimeout(timer),
	};
	const timer = setTimeout(() => {
		guard.reason = `nothing arrived for ${seconds} s`;
		controller.abort();
	}, seconds * 1000);
	return guard;
}

/** A bar that moves on a terminal, one plain line elsewhere. */
function progressLine(url, have, total) {
	const started = Date.now();
	let received = 0;
	let drawn = 0;
	const draw = () => {
		const bytes = have + received;
		const speed = `${megabytes((received / Math.max(1, Date.now() - started)) * 1000)} MB/s`;
		if (total === null) return `${megabytes(bytes)} MB  ${speed}`;
		const share = Math.min(1, bytes / Math.max(1, total));
		const bar = "█".repeat(Math.floor(share * 30)).padEnd(30, "░");
		return `${bar} ${Math.floor(share * 100)} %  ${megabytes(bytes)} of ${megabytes(total)} MB  ${speed}`;
	};
	const known =
		total === null ? "" : ` (${have ? `${megabytes(have)} of ` : ""}${megabytes(total)} MB${have ? " are there" : ""})`;
	console.log(`downloading ${url}${known}`);
	return {
		add(bytes) {
			received += bytes;
			if (!process.stdout.isTTY || Date.now() - drawn < 100) return;
			drawn = Date.now();
			process.stdout.write(`\r${draw()}\x1b[K`);
		},
		end() {
			if (process.stdout.isTTY) process.stdout.write(`\r${draw()}\x1b[K\n`);
		},
	};
}
