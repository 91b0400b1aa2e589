import type { Condition, ConnectionView, SortKey } from '@entente/engine'

/** What a list shows and where it stands: enough to show the same again. A host may keep it in its address. */
export interface ListState {
  readonly filter: string
  /** All of them must hold. */
  readonly conditions: readonly Condition[]
  readonly sort: readonly SortKey[]
  /** Own records that are exported or not, or listings with or without an own copy. */
  readonly only: 'all' | 'new' | 'exported'
  /** Only records that this connection's peer sees or has. */
  readonly sharedWith: ConnectionView['id'] | undefined
  /** Only the copies that this export made. */
  readonly job: string | undefined
  /** Ids of the selected rows, or all that the filter shows. */
  readonly selected: readonly string[] | 'all'
  /** Id of the row that takes the focus. */
  readonly row: string | undefined
  /** Rows above the first one in sight. */
  readonly top: number
}

/** A list that nobody has changed yet. */
export const plainList: ListState = {
  filter: '',
  conditions: [],
  sort: [],
  only: 'all',
  sharedWith: undefined,
  job: undefined,
  selected: [],
  row: undefined,
  top: 0,
}

/** Whether a list leaves rows out. */
export function isFiltered({ filter, conditions, only, sharedWith, job }: Omit<ListState, 'selected' | 'row' | 'top' | 'sort'>): boolean {
  return filter !== '' || conditions.length > 0 || only !== 'all' || sharedWith !== undefined || job !== undefined
}

/** Whether two states are the same, part by part. */
export function isSameState(a: ListState | undefined, b: ListState): boolean {
  return a !== undefined && (Object.keys(b) as (keyof ListState)[]).every((name) => a[name] === b[name])
}
