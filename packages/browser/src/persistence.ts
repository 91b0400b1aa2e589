/** What a browser says of the data that this origin keeps. */
export interface Persistence {
  /** `kept`: until a person deletes it. `evictable`: the browser may delete it when the disk is full, or after long disuse. `unknown`: it does not say. */
  readonly state: 'kept' | 'evictable' | 'unknown'
  /** Bytes in use, and bytes that there may be; undefined where the browser does not say. */
  readonly used: number | undefined
  readonly most: number | undefined
}

/** How safe this browser's copy of the org is. */
export async function persistence(): Promise<Persistence> {
  const storage: Partial<StorageManager> | undefined = navigator.storage
  const kept = await storage?.persisted?.().catch(() => undefined)
  const { usage, quota } = (await storage?.estimate?.().catch(() => undefined)) ?? {}
  return { state: kept === undefined ? 'unknown' : kept ? 'kept' : 'evictable', used: usage, most: quota }
}

/** Asks the browser to keep the data until a person deletes it. Some ask the person, others decide by how the page is used. @returns what holds then */
export async function askToPersist(): Promise<Persistence> {
  const storage: Partial<StorageManager> | undefined = navigator.storage
  if ((await persistence()).state === 'evictable') await storage?.persist?.().catch(() => false)
  return persistence()
}
