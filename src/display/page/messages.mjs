// What the kernel and the browser tell each other about suspect images, one by one or in pages.

/**
 * @typedef {{ url: string, width: number, height: number } | { reason: string }} ShownImage
 * @typedef {{ to: string | null, proposedBy?: string, time?: string, note?: string }} Decision
 * @typedef {{
 *   index: number, path: string, label: string | null, suggested: string | null, kind: string, score: number, why: string,
 *   image: ShownImage, neighbours: { path: string, label: string, image: ShownImage }[],
 *   decision: Decision | null, ahead: number[],
 * }} Item
 * @typedef {{ type: "item", view: string } & Item} ItemMessage
 * @typedef {{
 *   type: "changed", view: string, index: number, path: string, decision: Decision | null, following: number, decided: number,
 * }} ChangedMessage
 * @typedef {{ type: "image", view: string, index: number, image: ShownImage }} ImageMessage
 * @typedef {{ type: "failed", view: string, index: number, reason: string }} FailedMessage
 * @typedef {ItemMessage | ChangedMessage | ImageMessage | FailedMessage} Message
 * @typedef {{
 *   index: number, path: string, score: number, why: string, image: ShownImage, decision: Decision | null, isMarked: boolean,
 *   isOpen: boolean,
 * }} Tile an image of a page; open: the page decides on it
 * @typedef {{ page: number, to: string, isConfirmed: boolean, ahead: number, tiles: Tile[] }} ProposalPage
 * @typedef {{ type: "page", view: string } & ProposalPage} PageMessage
 * @typedef {{ type: "changed", view: string, page: number, following: number }} PageChangedMessage
 * @typedef {{ type: "failed", view: string, page: number, reason: string }} PageFailedMessage
 * @typedef {PageMessage | PageChangedMessage | ImageMessage | PageFailedMessage} PagesMessage
 * @typedef {{
 *   get(name: string): any, set(name: string, value: unknown): void, save_changes(): void, send(content: object): void,
 *   on(name: string, callback: (value: any) => void): void, off(name: string, callback: (value: any) => void): void,
 *   widget_manager?: { kernel?: { statusChanged?: StatusChanged } },
 * }} Model
 * @typedef {{ connect(slot: Slot): unknown, disconnect(slot: Slot): unknown }} StatusChanged JupyterLab's signal
 * @typedef {(kernel: unknown, status: string) => void} Slot
 */

export {};
