// The formats of exports. Loads no TensorFlow, so that a command can check its options first.
import { basename, dirname, extname, join } from "node:path";
import { statOrNull } from "../support/files";

/** How the kernels of a file are stored: as they are, or in half or a quarter of the bytes. */
export type WeightFormat = "float32" | "float16" | "uint8";

/** Formats of `exportModel`, each with how it can store kernels. */
export const EXPORT_FORMATS = {
	keras: ["float32"],
	savedmodel: ["float32"],
	onnx: ["float32", "float16", "uint8"],
	tfjs: ["float32", "float16", "uint8"],
	web: ["float32", "float16", "uint8"],
} as const satisfies Record<string, readonly WeightFormat[]>;
export type ExportFormat = keyof typeof EXPORT_FORMATS;

/** The file or folder of each format. */
export const EXPORT_FILES: Record<ExportFormat, string> = {
	keras: "model.keras",
	savedmodel: "saved_model",
	onnx: "model.onnx",
	tfjs: "tfjs",
	web: "index.html",
};

/** @throws when there is no such format, or it cannot store kernels that way */
export function requireFormat(format: string, weights: string): asserts format is ExportFormat {
	const formats = Object.keys(EXPORT_FORMATS);
	if (!formats.includes(format)) throw new Error(`there is no format ${format}: expected ${formats.join(", ")}`);
	const known: readonly string[] = EXPORT_FORMATS[format as ExportFormat];
	if (!known.includes(weights))
		throw new Error(`weights of ${format} cannot be ${weights}: expected ${known.join(", ")}`);
}

/** Formats that are read back. Files of ONNX have another graph than the model: a program for them would be its own. */
export type ReadableFormat = Exclude<ExportFormat, "onnx">;

/** A file or folder of `exportModel`. */
type Export<Format = ExportFormat> = { format: Format; path: string };

/** Formats of one file, by their extension. */
const BY_EXTENSION: Record<string, ExportFormat> = {
	".keras": "keras",
	".onnx": "onnx",
	".html": "web",
	".htm": "web",
};
/** Formats of a folder, by the file that makes it one. */
const BY_CONTENT: Record<string, ExportFormat> = { "saved_model.pb": "savedmodel", "model.json": "tfjs" };

/**
 * Finds out which export a path is: a file, a folder, a file in that folder, or a folder with one export.
 *
 * @throws when there is none, there are several, or it is one of ONNX, which only other programs read
 */
export function findExport(path: string): Export<ReadableFormat> {
	const entry = statOrNull(path);
	if (!entry) throw new Error(`there is no ${path}`);
	const found = entry.isDirectory() ? exportOfFolder(path) : exportOfFile(path);
	if (found && isReadable(found)) return found;
	if (found)
		throw new Error(
			`${found.path} is for ONNX Runtime, and cannot be read here: export another format, with npm run export -- --format keras`,
		);
	throw new Error(
		`${path} is no exported model: expected model.keras, index.html, or a folder tfjs or saved_model, as npm run export writes them`,
	);
}

const isReadable = (found: Export): found is Export<ReadableFormat> => found.format !== "onnx";

function exportOfFile(path: string): Export | null {
	const folderFormat = BY_CONTENT[basename(path)];
	if (folderFormat) return { format: folderFormat, path: dirname(path) };
	const format = BY_EXTENSION[extname(path).toLowerCase()];
	return format ? { format, path } : null;
}

function exportOfFolder(folder: string): Export | null {
	const isThere = (name: string) => statOrNull(join(folder, name)) !== null;
	const content = Object.keys(BY_CONTENT).find(isThere);
	if (content) return { format: BY_CONTENT[content], path: folder };
	const formats = (Object.keys(EXPORT_FILES) as ExportFormat[]).filter((format) => isThere(EXPORT_FILES[format]));
	if (formats.length <= 1)
		return formats.map((format) => ({ format, path: join(folder, EXPORT_FILES[format]) }))[0] ?? null;
	const names = formats.map((format) => EXPORT_FILES[format]).join(", ");
	throw new Error(`${folder} has several exported models: pick one of them (${names})`);
}
