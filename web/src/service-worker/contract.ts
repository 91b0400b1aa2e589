// What a page and the service worker say to each other.

/** A page holds a shared Web Lock of this name, with the path of its script behind it, for as long as it is open. By it the worker knows which build it is of. */
export const pageLock = 'entente-page '

/** A page sends it once it holds its lock. */
export const opened = 'opened'

/** A page sends it to a waiting worker when the person asks for the new version. */
export const takeOver = 'take-over'
