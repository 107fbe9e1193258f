// Unpacks zip and tar archives so that a hostile file can do no harm.
import { isUtf8 } from "node:buffer";
import { createWriteStream, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import type { ReadEntry } from "tar";
import { MAX_FILE_BYTES } from "../../src/support/files";
import { type Compression, decompressed, formatOfArchive } from "./compression";
import { type Entry, entryFor } from "./entries";

/** An archive that trying again cannot help: damaged, unsafe, or no archive at all. */
export class BadArchive extends Error {}

/** An archive that is fine but larger than the user allowed. */
class TooLarge extends Error {}

interface Limits {
	/** What messages call the archive. */
	label: string;
	/** Maximum size of the unpacked files in bytes. */
	maxBytes: number;
	/** Maximum number of entries. */
	maxEntries: number;
	/** Maximum size of an image in bytes. */
	maxImageBytes: number;
}

/** How many times its compressed size an image may have, from a size on (bytes) that no small file of one colour has. */
const MAX_RATIO = 200;
const RATIO_FROM = 10e6;

/**
 * Unpacks the images of a zip or tar file; the tar file may be compressed with gzip, bzip2 or xz.
 *
 * The unpacked files are numbered: no name from the archive reaches the file system before the whole archive has been
 * checked.
 *
 * @param into the folder for the images; made if it is missing
 * @param limits `label`: default the archive's path; `maxBytes`: default 20e9; `maxEntries`: default 2e6;
 *   `maxImageBytes`: default `MAX_FILE_BYTES`
 * @returns what the archive holds
 * @throws BadArchive for path traversal, links, devices, encryption, damage and an image that only a decompression bomb
 *   has; another error at the limits
 */
export async function unpack(archive: string, into: string, limits: Partial<Limits> = {}): Promise<Entry[]> {
	const { label = archive, maxBytes = 20e9, maxEntries = 2e6, maxImageBytes = MAX_FILE_BYTES } = limits;
	const format = formatOf(archive, label);
	mkdirSync(into, { recursive: true });
	const collector = new Collector(into, { label, maxBytes, maxEntries, maxImageBytes });
	try {
		if (format === "zip") await readZip(archive, collector);
		else await readTar(archive, format, collector);
		return collector.entries;
	} catch (error) {
		// An error with a system call is this machine's, a full disk for example: not the archive's fault.
		const { message, syscall } = error as NodeJS.ErrnoException;
		if (error instanceof BadArchive || error instanceof TooLarge || syscall) throw error;
		const why = message.replace(/^TAR_\w+: |\.$/g, "");
		throw new BadArchive(`${label} is damaged: ${why}.`, { cause: error });
	}
}

function formatOf(archive: string, label: string): "zip" | Compression {
	try {
		return formatOfArchive(archive, label);
	} catch (error) {
		const { message, syscall } = error as NodeJS.ErrnoException;
		throw syscall ? error : new BadArchive(message);
	}
}

/** The entries seen so far, and the limits that they must keep to. */
class Collector {
	readonly entries: Entry[] = [];
	#images = new Set<string>();
	#count = 0;
	#bytes = 0;
	#folder: string;
	#limits: Limits;

	constructor(folder: string, limits: Limits) {
		this.#folder = folder;
		this.#limits = limits;
	}

	/** The new entry for a name in the archive, or `null` when it is to be ignored. */
	add(name: string, isFolder: boolean): Entry | null {
		const { label, maxEntries } = this.#limits;
		if (++this.#count > maxEntries) throw new TooLarge(`${label} has more than ${maxEntries} entries.`);
		const parts = name.split("/").filter((part) => part !== "" && part !== ".");
		if (/^([/\\]|[a-z]:)/i.test(name) || name.includes("\0") || parts.includes("..")) {
			this.refuse(name, "has a name that leads out of the archive");
		}
		if (name.includes("\ufffd")) this.refuse(name, "has a name that is not UTF-8");
		const entry = entryFor(parts.join("/"), isFolder, join(this.#folder, String(this.#count)));
		if (entry === null) return null;
		if (entry.kind === "image") {
			if (this.#images.has(entry.path)) this.refuse(name, "is there more than once");
			this.#images.add(entry.path);
		}
		this.entries.push(entry);
		return entry;
	}

	refuse(name: string, why: string): never {
		throw new BadArchive(`${this.#limits.label} was refused: ${name} ${why}.`);
	}

	/** Passes chunks on and counts them: what a header says about sizes may be a lie. */
	async *counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
		const { label, maxBytes } = this.#limits;
		for await (const chunk of chunks) {
			this.#bytes += chunk.length;
			if (this.#bytes > maxBytes) {
				throw new TooLarge(`${label} unpacks to more than ${maxBytes / 1e9} GB: allow more with --max-gb.`);
			}
			yield chunk;
		}
	}

	/**
	 * Passes the chunks of an image on, and refuses it when it is larger than any image is.
	 *
	 * @param packed the size of the compressed image in bytes, or of the whole archive
	 */
	async *image(name: string, packed: number, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
		const { maxImageBytes } = this.#limits;
		let bytes = 0;
		for await (const chunk of chunks) {
			bytes += chunk.length;
			if (bytes > maxImageBytes)
				this.refuse(name, `is larger than ${maxImageBytes / 2 ** 30} GiB: such an image is not read`);
			if (bytes > RATIO_FROM && bytes > MAX_RATIO * packed) {
				this.refuse(name, `unpacks to more than ${MAX_RATIO} times its size, which no image does`);
			}
			yield chunk;
		}
	}
}

/** An entry of a zip file, as far as it is used: yauzl comes without types. */
interface ZipItem {
	generalPurposeBitFlag: number;
	fileName: Buffer;
	extraFields: { id: number; data: Buffer }[];
	externalFileAttributes: number;
	crc32: number;
	compressedSize: number;
	isEncrypted(): boolean;
	canDecodeFileData(): boolean;
}

interface Yauzl {
	openPromise(
		path: string,
		options: { decodeStrings: boolean },
	): Promise<{ eachEntry(): AsyncIterable<ZipItem>; openReadStreamPromise(item: ZipItem): Promise<Readable> }>;
	getFileNameLowLevel(flags: number, name: Buffer, extra: ZipItem["extraFields"], strict: boolean): string;
}

async function readZip(archive: string, collector: Collector): Promise<void> {
	const yauzl = (await import("yauzl" as string)).default as Yauzl;
	// Raw names, because yauzl's own refusal of a name does not say which of its errors it is.
	const zip = await yauzl.openPromise(archive, { decodeStrings: false });
	for await (const item of zip.eachEntry()) {
		// Many programs write UTF-8 without the flag that says so.
		const flags = item.generalPurposeBitFlag | (isUtf8(item.fileName) ? 0x800 : 0);
		const name = yauzl.getFileNameLowLevel(flags, item.fileName, item.extraFields, false);
		const type = (item.externalFileAttributes >>> 16) & 0o170000;
		if (![0, 0o100000, 0o040000].includes(type)) collector.refuse(name, "is a link or a device");
		const entry = collector.add(name, name.endsWith("/"));
		if (entry?.kind !== "image") continue;
		if (item.isEncrypted()) collector.refuse(name, "is encrypted: unpack the archive yourself and give the folder");
		if (!item.canDecodeFileData()) collector.refuse(name, "is compressed in a way that cannot be read here");
		const content = collector.counted(await zip.openReadStreamPromise(item));
		const image = collector.image(name, item.compressedSize, checked(content, item.crc32));
		await pipeline(image, createWriteStream(entry.file));
	}
}

/** Passes chunks on and compares their checksum. Node can compute one since 20.15; before, sizes must do. */
async function* checked(chunks: AsyncIterable<Buffer>, expected: number): AsyncGenerator<Buffer> {
	let sum = 0;
	for await (const chunk of chunks) {
		sum = zlib.crc32?.(chunk, sum) ?? expected;
		yield chunk;
	}
	if (sum !== expected) throw new Error("a checksum does not match");
}

async function readTar(archive: string, compression: Compression, collector: Collector): Promise<void> {
	const { Parser } = await import("tar");
	const { size } = statSync(archive);
	const writing = new Set<Promise<void>>();
	const parser = new Parser({
		strict: true,
		onReadEntry(item) {
			const work: Promise<void> = takeFromTar(item, size, collector)
				.catch((error) => {
					parser.emit("error", error);
				})
				.finally(() => writing.delete(work));
			writing.add(work);
		},
	});
	// Cut between two entries, a tar file looks whole but for the end mark.
	let ended = false;
	parser.on("eof", () => {
		ended = true;
	});
	// Counted before parsing, so that headers and skipped entries count too. The stream after the generator is there
	// because the parser may finish at once, which a generator's end would miss.
	const counted = collector.counted(decompressed(archive, compression));
	const parse = parser as unknown as NodeJS.WritableStream;
	await pipeline(counted, new PassThrough(), parse);
	await Promise.all(writing);
	if (!ended) throw new Error("its end is missing");
}

async function takeFromTar(item: ReadEntry, archiveBytes: number, collector: Collector): Promise<void> {
	const isFolder = item.type === "Directory" || item.type === "GNUDumpDir";
	if (!isFolder && !["File", "OldFile", "ContiguousFile"].includes(item.type)) {
		collector.refuse(item.path, "is a link or a device");
	}
	const entry = collector.add(item.path, isFolder);
	if (entry?.kind !== "image") return void item.resume();
	const content = item as unknown as AsyncIterable<Buffer>;
	await pipeline(collector.image(item.path, archiveBytes, content), createWriteStream(entry.file));
}
