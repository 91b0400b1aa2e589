// In place of `lib0/logging`, whose browser version brings a console of its own, drawn with elements, and a schema checker: a tenth of what Yjs weighs. Yjs
// logs three warnings with it. The pages show them as the browser shows any other.

/** Signs for colours and weights, which a plain console has not. */
export const ORANGE = ''
export const BOLD = ''
export const UNBOLD = ''
export const RED = ''

// oxlint-disable-next-line no-console -- what Yjs warns of is for whoever looks at the console
export const print = (...parts: readonly unknown[]): void => console.warn(...parts)
export const warn = print
