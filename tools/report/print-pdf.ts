// Pages as PDF, printed by Chromium: for `--pdf`, and as a program for JupyterLab's export: `print-pdf.ts PAGE PDF`.
import { readFileSync, renameSync, rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { writeError } from "../../src/support/writing";
import { browserCommand, runQuietly } from "../setup/processes.mjs";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", "--virtual-time-budget=10000"];

/**
 * Returns the command of a browser that prints.
 *
 * @throws with one line that says what to install
 */
export function findBrowser(): string {
	const browser = browserCommand();
	if (browser) return browser;
	throw new Error("a PDF needs Chromium or Chrome: sudo apt install chromium");
}

/**
 * Prints a page.
 *
 * @param page path of an HTML file
 * @param pdf path to write to; a file there is replaced as a whole
 * @throws when the browser fails, or the disk is full
 */
export async function printPdf(browser: string, page: string, pdf: string): Promise<void> {
	const part = `${pdf}.${process.pid}.part`;
	try {
		await runQuietly(browser, [...FLAGS, `--print-to-pdf=${part}`, pathToFileURL(page).href]);
		// On a full disk, Chromium leaves a part of it and ends well.
		if (!readFileSync(part).subarray(-32).includes("%%EOF")) throw writeError(pdf, { code: "ENOSPC" });
		renameSync(part, pdf);
	} finally {
		rmSync(part, { force: true });
	}
}

async function main([page, pdf]: string[]): Promise<void> {
	try {
		await printPdf(findBrowser(), page, pdf);
	} catch (error) {
		console.error((error as Error).message);
		process.exitCode = 1;
	}
}

if (require.main === module) main(process.argv.slice(2));
