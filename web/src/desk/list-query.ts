import { type ListState, plainList } from '@entente/elements'
import { type Condition, type ConnectionView, isValueMap, operators, parseValue, type SortKey } from '@entente/engine'

/** Parts of an address longer than this are no work of ours. */
const mostConditions = 50

/** Reads the part of an address after "?". What is no part of a list is left out. */
export function parseList(query: string): ListState {
  const parts = new URLSearchParams(query)
  const only = parts.get('only')
  const chosen = parts.get('chosen')
  const top = Number(parts.get('top') ?? 0)
  return {
    filter: parts.get('find') ?? plainList.filter,
    conditions: parseConditions(parts.get('if')),
    sort: parseSort(parts.get('sort')),
    only: only === 'new' || only === 'exported' ? only : plainList.only,
    sharedWith: (parts.get('with') ?? undefined) as ConnectionView['id'] | undefined,
    job: parts.get('job') ?? undefined,
    selected: chosen === null || chosen === '' ? plainList.selected : chosen === 'all' ? 'all' : chosen.split('.'),
    row: parts.get('row') ?? undefined,
    top: Number.isSafeInteger(top) && top > 0 ? top : 0,
  }
}

/** The part of an address after "?"; "" for a plain list. */
export function formatList(list: ListState): string {
  const { filter, conditions, sort, only, sharedWith, job, selected, row, top } = list
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['find', filter],
    ['if', conditions.length === 0 ? undefined : JSON.stringify(conditions)],
    ['sort', sort.map(({ field, direction }) => (direction === 'descending' ? `-${field}` : field)).join(',')],
    ['only', only === 'all' ? undefined : only],
    ['with', sharedWith],
    ['job', job],
    ['chosen', selected === 'all' ? selected : selected.join('.')],
    ['row', row],
    ['top', top === 0 ? undefined : String(top)],
  ]
  return parts.flatMap(([name, text]) => (text === undefined || text === '' ? [] : `${name}=${encodeURIComponent(text)}`)).join('&')
}

function parseSort(text: string | null): readonly SortKey[] {
  const names = (text ?? '').split(',').filter((name) => name.replace('-', '') !== '')
  if (names.length === 0) return plainList.sort
  return names.map((name) => ({ field: name.replace(/^-/, ''), direction: name.startsWith('-') ? 'descending' : 'ascending' }))
}

function parseConditions(text: string | null): readonly Condition[] {
  const list = text === null ? undefined : readJson(text)
  if (!Array.isArray(list) || list.length === 0 || list.length > mostConditions) return plainList.conditions
  return list.flatMap((each) => parseCondition(each) ?? [])
}

function parseCondition(each: unknown): Condition | undefined {
  const parsed = parseValue(each)
  if (!parsed.ok || !isValueMap(parsed.value)) return undefined
  const { field, operator, value } = parsed.value
  const known = operators.find((name) => name === operator)
  if (typeof field !== 'string' || !known) return undefined
  return value === undefined ? { field, operator: known } : { field, operator: known, value }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
