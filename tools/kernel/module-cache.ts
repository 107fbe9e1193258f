// What earlier kernels found out about a project's modules, so that the first import does not take the seconds again: the
// JavaScript of each, and that it has no type errors.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import type ts from "typescript";
import { type Code, moduleToCommonJS } from "./common-js";
import { cachePath, readIfExists, type TypeScript, writeCache } from "./compile-cache";
import type { NotedFile } from "./internals";

interface Entry {
	code?: { key: string; value: Code };
	/** Hash of all that its type errors depend on, when it had none. */
	checked?: string;
}

/** What changes from cell to cell: the cell itself, and the declarations of the earlier ones. */
const isOfCells = ({ fileName }: ts.SourceFile) => /\/__(tslab__|prev__\.d)\.ts$/.test(fileName);

const hash = (...parts: string[]) => createHash("sha256").update(JSON.stringify(parts)).digest("base64");

/** What another version of the kernel found out, with other options perhaps, does not count. */
const KERNEL = hash(readFileSync(__filename, "utf8"));

export class ModuleCache {
	private readonly file: string;
	private readonly entries: Record<string, Entry>;
	private isChanged = false;
	/** All files but those of cells, when a cell that imports modules was last checked. */
	private latest = new Set<ts.SourceFile>();
	/** The modules that had no errors then. */
	private readonly faultless = new Set<ts.SourceFile>();

	/** @param project folder of the modules, which are known by their path in it */
	constructor(
		private readonly ts: TypeScript,
		private readonly project: string,
	) {
		this.file = cachePath(`modules-${ts.version}.json`);
		this.entries = Object.assign(Object.create(null), read(this.file));
	}

	/** Returns the code made of a module earlier, from the same text, or else makes it. */
	codeOf(path: string, text: string): Code {
		const key = hash(KERNEL, text);
		const entry = this.entryOf(path);
		if (entry.code?.key === key) return entry.code.value;
		this.isChanged = true;
		entry.code = { key, value: moduleToCommonJS(this.ts, text, path) };
		return entry.code.value;
	}

	/**
	 * Returns the type errors of files, without checking those again that had none before. A file's errors follow from its
	 * text, from that of all files that it imports, those of packages included, and from those that declare globals.
	 *
	 * @param ofFiles checks files
	 */
	errorsOf(
		files: ts.SourceFile[],
		builder: ts.BuilderProgram,
		ofFiles: (files: ts.SourceFile[]) => readonly ts.Diagnostic[],
	): readonly ts.Diagnostic[] {
		this.noteFiles(builder.getSourceFiles());
		const open = files.filter((file) => !this.faultless.has(file));
		if (open.length === 0) return [];
		const globals = KERNEL + this.versionsOf(builder.getSourceFiles().filter((file) => this.isGlobal(file)));
		const keys = open.map((file) => {
			const names = builder.getAllDependencies(file);
			return hash(globals, this.versionsOf(names.flatMap((name) => builder.getSourceFile(name) ?? [])));
		});
		const unknown = open.filter(({ fileName }, i) => this.entryOf(fileName).checked !== keys[i]);
		const errors = ofFiles(unknown);
		const faulty = new Set(errors.map(({ file }) => file));
		open.forEach((file, i) => {
			if (!faulty.has(file)) this.faultless.add(file);
			if (!unknown.includes(file)) return;
			this.isChanged = true;
			this.entryOf(file.fileName).checked = faulty.has(file) ? undefined : keys[i];
		});
		return errors;
	}

	/** The compiler keeps the object of an unchanged file. */
	private noteFiles(files: readonly ts.SourceFile[]): void {
		const now = new Set(files.filter((file) => !isOfCells(file) || this.isGlobal(file)));
		const isSame = now.size === this.latest.size && [...now].every((file) => this.latest.has(file));
		if (!isSame) this.faultless.clear();
		this.latest = now;
	}

	/** Writes what is new. */
	save(): void {
		if (!this.isChanged) return;
		this.isChanged = false;
		writeCache(this.file, JSON.stringify(this.entries));
	}

	private entryOf(path: string): Entry {
		const name = relative(this.project, path);
		this.entries[name] ??= {};
		return this.entries[name];
	}

	private versionsOf(files: readonly ts.SourceFile[]): string {
		const noted = files as readonly NotedFile[];
		return hash(...noted.map(({ fileName, version }) => `${relative(this.project, fileName)} ${version}`).sort());
	}

	private isGlobal(file: NotedFile): boolean {
		return !this.ts.isExternalModule(file) || (file.moduleAugmentations ?? []).length > 0;
	}
}

function read(file: string): object {
	try {
		return JSON.parse(String(readIfExists(file)));
	} catch {
		return {};
	}
}
