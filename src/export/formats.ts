// The formats of exports. Loads no TensorFlow, so that a command can check its options first.

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

/** @throws when there is no such format, or it cannot store kernels that way */
export function requireFormat(format: string, weights: string): asserts format is ExportFormat {
	const formats = Object.keys(EXPORT_FORMATS);
	if (!formats.includes(format)) throw new Error(`there is no format ${format}: expected ${formats.join(", ")}`);
	const known: readonly string[] = EXPORT_FORMATS[format as ExportFormat];
	if (!known.includes(weights))
		throw new Error(`weights of ${format} cannot be ${weights}: expected ${known.join(", ")}`);
}
