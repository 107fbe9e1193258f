// The notebooks of the repository, cell by cell.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../helpers";

export interface Cell {
	cell_type: string;
	source: string | string[];
	metadata: { tags?: string[]; papermill?: { duration?: number } };
	outputs?: object[];
	execution_count?: number;
}
export interface Notebook {
	cells: Cell[];
	metadata: { kernelspec: { name: string } };
}

export const readNotebook = (name: string): Notebook =>
	JSON.parse(readFileSync(join(root, "notebooks", `${name}.ipynb`), "utf8"));
export const text = ({ source }: Cell) => [source].flat().join("");
