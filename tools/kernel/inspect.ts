// Documentation of a symbol, as text and as Markdown.
import type { QuickInfo, SymbolDisplayPart } from "typescript";

const textOf = (parts: SymbolDisplayPart[] = []) => parts.map(({ text }) => text).join("");

/** The JSDoc tags with a text, for example `["param", "x any number"]`. */
function tagsOf({ tags = [] }: QuickInfo): [name: string, text: string][] {
	return tags.map(({ name, text }): [string, string] => [name, textOf(text)]).filter(([, text]) => text !== "");
}

/** The type, docstring and tags of a symbol as plain text. */
export function toText(info: QuickInfo): string {
	const tags = tagsOf(info).map(([name, text]) => `@${name} ${text}`);
	const docs = [textOf(info.documentation), ...tags].filter(Boolean).join("\n");
	return [textOf(info.displayParts), docs].filter(Boolean).join("\n\n");
}

/** The same as Markdown: the type as code, the tags as a list. */
export function toMarkdown(info: QuickInfo): string {
	const tags = tagsOf(info).map(([name, text]) => {
		const [, parameter, rest] = (name === "param" && /^(\S+)\s*([\s\S]*)$/.exec(text)) || [null, name, text];
		return `- **${parameter}** ${rest.replace(/\n/g, "\n  ")}`;
	});
	const type = `\`\`\`typescript\n${textOf(info.displayParts)}\n\`\`\``;
	return [type, textOf(info.documentation), tags.join("\n")].filter(Boolean).join("\n\n");
}

/** The position of the end of the function's name in whose arguments `position` is; undefined outside a call. */
export function enclosingCall(code: string, position: number): number | undefined {
	let depth = 0;
	for (let i = position - 1; i > 0; i--) {
		if (")]}".includes(code[i])) depth++;
		else if ("([{".includes(code[i]) && depth-- === 0) {
			if (code[i] === "(") return i - 1;
			// An object or a list among the arguments.
			depth = 0;
		}
	}
	return undefined;
}
