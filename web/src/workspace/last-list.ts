import { openIdbStore } from '@entente/browser'
import { controls, plainList, tokens } from '@entente/elements'
import { type ConnectionView, type Engine, type ObjectName, type ObjectSchema, readRecords, type RecordView } from '@entente/engine'
import { css, html, LitElement, type TemplateResult } from 'lit'
import { deskStyles } from '../desk/desk-styles.js'
import { formatRoute, parseRoute } from '../desk/route.js'

/** As many rows as stand in sight on a large screen, and some above. */
const [keptRows, keptAbove] = [60, 10]

/**
 * The list that a person saw last in this browser: which rows, and what stood around them. Their values are read from the store when they are shown again,
 * so that what was changed or deleted since is shown as it is.
 */
interface LastList {
  /** The place in the desk, as text. */
  readonly place: string
  readonly object: ObjectName
  readonly schema: ObjectSchema
  readonly connections: readonly Pick<ConnectionView, 'id' | 'side' | 'state' | 'label' | 'peerName'>[]
  readonly total: number
  /** The index of the first of `ids` in the list. */
  readonly from: number
  readonly ids: readonly string[]
}

/** A list that leaves nothing out, in its order: what a person typed into a filter is not kept here. Undefined for any other place. */
function placeOf(text: string) {
  const route = parseRoute(text)
  if (route.page !== 'records') return undefined
  const { object, list = plainList } = route
  const { sort, row, top } = list
  const place = formatRoute({ page: 'records', object, list: { ...plainList, sort } })
  const whole = formatRoute({ page: 'records', object, list: { ...list, selected: [], row: undefined, top: 0 } })
  return place === whole ? { place, object, sort, row, top } : undefined
}

/**
 * Keeps which rows stand in sight. Where a person chose an order this is done once the page is hidden: to sort thousands of rows takes a moment, which nobody sees then.
 *
 * @param store of the org
 * @param route of the desk
 */
export function keepLastList(engine: Engine, store: string, route: string): void {
  const shown = placeOf(route)
  if (!shown) return
  const { place, object, sort, top } = shown
  if (sort.length > 0 && document.visibilityState === 'visible') return
  const { ids, total } = engine.records.ids(object, sort.length > 0 ? { sort } : {})
  const from = Math.max(0, top - keptAbove)
  // An open invitation is a secret, and no row shows it.
  const connections = engine.connections.list().filter(({ state }) => state !== 'Pending')
  const last: LastList = {
    place,
    object,
    schema: engine.records.schema(object),
    connections: connections.map(({ id, side, state, label, peerName }) => ({ id, side, state, label, peerName })),
    total,
    from,
    ids: ids.slice(from, from + keptRows),
  }
  try {
    localStorage.setItem(keptAs(store), JSON.stringify(last))
  } catch {
    // A browser without room shows the list once the org is open.
  }
}

/** Draws the list that a person saw last, where the desk opens there again: with its rows as they are in the store now. It does not open the org. */
export async function drawLastList(store: string, route: string): Promise<TemplateResult | undefined> {
  const shown = placeOf(route)
  const last = JSON.parse(localStorage.getItem(keptAs(store)) ?? 'null') as LastList | null
  if (!shown || shown.place !== last?.place) return undefined
  const kept = await openIdbStore(store)
  try {
    const engine = engineOf(last, await readRecords(kept, last.object, last.ids))
    return html`<last-list .engine=${engine} .list=${shown}></last-list>`
  } finally {
    await kept.close()
  }
}

/** As much of an engine as a list reads, of the rows that were kept. The others have their places, and show nothing. */
function engineOf({ schema, connections, total, from, ids }: LastList, records: readonly RecordView[]): Engine {
  const known = new Map(records.map((record) => [record.id, record]))
  const all = Array.from({ length: total }, (_, index) => ids[index - from] ?? String(index))
  const part: PartOfEngine = {
    records: {
      schema: () => schema,
      ids: () => ({ ids: all, total }),
      get: (_, id) => known.get(id),
      shares: () => [],
      sharedOver: () => [],
    },
    connections: { list: () => connections },
    sync: { status: () => ({ state: 'offline' }) },
    watch: () => () => undefined,
  }
  return part as Engine
}

interface PartOfEngine extends Pick<Engine, 'watch'> {
  readonly records: Pick<Engine['records'], 'schema' | 'ids' | 'get' | 'shares' | 'sharedOver'>
  readonly connections: { list(): LastList['connections'] }
  readonly sync: { status(): Pick<ReturnType<Engine['sync']['status']>, 'state'> }
}

/** The list in the place of a desk that is not there yet. Nothing in it can be used before the org is open. */
class LastListView extends LitElement {
  static override styles = [
    tokens,
    controls,
    deskStyles,
    css`
      nav span {
        padding: 5px 11px;
      }
    `,
  ]
  static override properties = { engine: { attribute: false }, list: { attribute: false } }
  declare engine: Engine
  declare list: NonNullable<ReturnType<typeof placeOf>>

  protected override render(): TemplateResult {
    const { object, sort, row, top } = this.list
    return html`<nav><span class="soft" role="status">Opening …</span></nav>
      <div></div>
      <div class="place fills" inert aria-busy="true">
        <entente-records .engine=${this.engine} .object=${object} .sort=${sort} .row=${row} .top=${top}></entente-records>
      </div>`
  }
}

customElements.define('last-list', LastListView)

const keptAs = (store: string): string => `entente-list/${store}`
