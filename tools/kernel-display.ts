// Loaded into the kernel at its start: how it shows the value that ends a cell, where the value does not say so itself.
import { isFrame, tableBundle } from "../src/display/table";

const frames = (value: unknown) => (isFrame(value) ? tableBundle(value) : null);
Object.assign(globalThis, { [Symbol.for("Jupyter.formatters")]: [frames] });
