import { type Store, StoreError, type StoreKey, type Write } from '../port/store.js'

/** A store that keeps nothing: all is in memory, and gone once it is closed. An org is read into it to be looked at. Values are not copied. */
export function throwAwayStore(): Store {
  const entries = new Map<string, readonly [StoreKey, unknown]>()
  const read = (key: StoreKey): unknown => entries.get(nameOf(key))?.[1]
  let isClosed = false
  const inTurn = async <T>(run: () => T): Promise<T> => {
    await Promise.resolve()
    if (isClosed) throw new StoreError('CLOSED', 'The store was closed. Open the org again.')
    return run()
  }
  const write = (each: Write): void => {
    if ('put' in each) entries.set(nameOf(each.put), [each.put, each.value])
    else if ('delete' in each) entries.delete(nameOf(each.delete))
    else for (const [name, [key]] of entries) if (beginsWith(key, each.deleteAll)) entries.delete(name)
  }

  return {
    update: (reads, change) =>
      inTurn(() => {
        const { writes, result } = change(reads.map(read))
        for (const each of writes) write(each)
        return result
      }),
    get: (keys) => inTurn(() => keys.map(read)),
    scan: (prefix, { after, limit } = {}) =>
      inTurn(() => {
        const found = [...entries.values()].filter(([key]) => beginsWith(key, prefix) && (!after || compareKeys(key, after) > 0))
        return found.sort(([a], [b]) => compareKeys(a, b)).slice(0, limit)
      }),
    close: async () => {
      isClosed = true
      entries.clear()
    },
  }
}

const nameOf = (key: StoreKey): string => key.join('\n')

const beginsWith = (key: StoreKey, prefix: StoreKey): boolean => prefix.every((part, index) => key[index] === part)

/** Part by part; a key comes before those that it begins. */
function compareKeys(a: StoreKey, b: StoreKey): number {
  for (const [index, part] of a.entries()) {
    const other = b[index]
    if (other === undefined) return 1
    if (part !== other) return part < other ? -1 : 1
  }
  return a.length - b.length
}
