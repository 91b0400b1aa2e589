import type {
  AgreementVersion,
  AgreementView,
  AuditCheck,
  AuditEntry,
  ChangeView,
  ConnectionView,
  DeviceInvitationView,
  DeviceView,
  KeyStatus,
  DifferencesPage,
  DifferenceView,
  DraftView,
  Engine,
  Gap,
  HistoryChange,
  ImportView,
  JobError,
  JobView,
  ListingView,
  MirrorView,
  ObjectName,
  ObjectSchema,
  PartnerSite,
  PersonView,
  PreflightLine,
  RecallView,
  RecordPage,
  RecordView,
  Rule,
  Settings,
  ShareView,
  SyncView,
  Topic,
  UndoResult,
  UndoStep,
  WishView,
} from '@entente/engine'
import { EngineError, queryRecords, standardSchema } from '@entente/engine'

/** What an engine would show: a plain description of a moment. */
export interface Scene {
  role: 'admin' | 'member'
  schemas: Partial<Record<ObjectName, ObjectSchema>>
  records: RecordView[]
  shares: ShareView[]
  /** By connection, the ids of the records that it keeps in step; those of `shares` where it is not said. */
  sharedOver: Readonly<Record<string, readonly string[]>>
  /** Which records the rule shows. */
  visible: readonly string[]
  /** The copies of each job. */
  copies: readonly string[]
  connections: ConnectionView[]
  agreement: AgreementView | undefined
  versions: AgreementVersion[]
  preflight: PreflightLine[]
  wishes: WishView[]
  reached: { records: number; reached: number }
  gaps: Gap[]
  rule: Rule | undefined
  people: PersonView[]
  seats: { total: number; used: number }
  devices: DeviceView[]
  users: ReturnType<Engine['people']['users']>[number][]
  deviceInvitations: DeviceInvitationView[]
  keys: KeyStatus
  listings: ListingView[]
  jobs: JobView[]
  /** Of any job. */
  jobErrors: JobError[]
  recalls: RecallView[]
  obstacle: EngineError | undefined
  mirrors: MirrorView[]
  changes: ChangeView[]
  differences: DifferenceView[]
  stakes: DifferencesPage['stakes']
  /** How many records are still to be compared. */
  pending: number
  sync: SyncView
  /** When the recovery kit was saved, in ms since 1970. */
  kitSavedAt: number | undefined
  /** Whether what was restored is the latest state. */
  age: 'known' | 'open'
  /** When what a kit brings back was signed, in ms since 1970. */
  foundSigned: number | undefined
  settings: Settings
  site: PartnerSite
  drafts: DraftView[]
  steps: UndoStep[]
  /** Of any record. */
  history: HistoryChange[]
  imports: ImportView[]
  audit: AuditEntry[]
  auditCheck: AuditCheck
  /** What the next undo tells. */
  undone: UndoResult | undefined
}

/** A typed double of one org's engine: shows a scene, remembers what it was asked to do, and refuses where a test says so. */
export interface FakeEngine extends Engine {
  readonly scene: Scene
  /** Each action with its arguments, in order. */
  readonly calls: (readonly [string, ...unknown[]])[]
  /** The next call of this action fails with this error. */
  refuse(action: string, error: EngineError): void
  /** Changes the scene and tells the watchers. */
  change(part: Partial<Scene>, ...topics: readonly Topic[]): void
}

export const quietLine: SyncView = {
  state: 'online',
  reason: undefined,
  cut: false,
  waiting: 0,
  lastSynced: Date.UTC(2027, 0, 15),
  leader: true,
  stoodDown: undefined,
  clockOffset: 3,
  bytesIn: 12_000,
  bytesOut: 4_000,
  framesIn: 12,
  framesOut: 9,
  entriesIn: 8,
  signed: [],
  problems: [],
}

const usualPage: RecordPage = { lists: ['mirrors', 'changes', 'shares'] }

export function fakeEngine(part: Partial<Scene> = {}): FakeEngine {
  const scene: Scene = {
    role: 'admin',
    schemas: {},
    records: [],
    shares: [],
    sharedOver: {},
    visible: [],
    copies: [],
    connections: [],
    agreement: undefined,
    versions: [],
    preflight: [],
    wishes: [],
    reached: { records: 0, reached: 0 },
    gaps: [],
    rule: undefined,
    people: [],
    seats: { total: 5, used: 0 },
    devices: [],
    users: [],
    deviceInvitations: [],
    keys: { generation: 0, due: false, done: 0, total: 0, remainingMs: 0 },
    listings: [],
    jobs: [],
    jobErrors: [],
    recalls: [],
    obstacle: undefined,
    mirrors: [],
    changes: [],
    differences: [],
    stakes: [],
    pending: 0,
    sync: quietLine,
    kitSavedAt: undefined,
    age: 'known',
    foundSigned: Date.UTC(2027, 0, 16),
    settings: { currency: 'USD', locale: undefined, pages: { Lead: usualPage, Opportunity: usualPage } },
    site: { name: '', introduction: '', objects: {} },
    drafts: [],
    steps: [],
    history: [],
    undone: undefined,
    imports: [],
    audit: [],
    auditCheck: { entries: part.audit?.length ?? 0, broken: undefined },
    ...part,
  }
  const calls: (readonly [string, ...unknown[]])[] = []
  const refusals = new Map<string, EngineError>()
  const watchers = new Set<(changed: ReadonlySet<Topic>) => void>()
  const tell = (...topics: readonly Topic[]): void => {
    for (const watcher of watchers) watcher(new Set(topics))
  }
  const did = async (action: string, ...details: readonly unknown[]): Promise<void> => {
    calls.push([action, ...details])
    await Promise.resolve()
    const refusal = refusals.get(action)
    refusals.delete(action)
    if (refusal) throw refusal
  }
  const schema = (object: ObjectName): ObjectSchema => scene.schemas[object] ?? standardSchema(object)
  const connection = (): ConnectionView => {
    const [first] = scene.connections
    if (!first) throw new EngineError('NOT_FOUND', 'There is no connection.')
    return first
  }
  const ofObject = (object: ObjectName): RecordView[] => scene.records.filter((record) => record.object === object)

  const moveImport = (id: string, state: ImportView['state']): ImportView => {
    const present = scene.imports.find((view) => view.id === id)
    if (!present) throw new EngineError('NOT_FOUND', 'There is no such import.')
    const view = { ...present, state, done: state === 'done' ? present.total : present.done, undoable: state !== 'undone' }
    scene.imports = scene.imports.map((other) => (other.id === id ? view : other))
    tell('imports')
    return view
  }

  return {
    scene,
    calls,
    refuse: (action, error) => void refusals.set(action, error),
    change(next, ...topics) {
      Object.assign(scene, next)
      tell(...topics)
    },
    org: { id: 'A'.repeat(43) as Engine['org']['id'], name: 'Quarrow Sensors' },
    get user() {
      return { id: 'vera', name: 'Vera Lindqvist', role: scene.role }
    },
    records: {
      schema,
      addField: (object, field) => did('addField', object, field),
      setSchema: (next) => did('setSchema', next),
      get: (object, id) => ofObject(object).find((record) => record.id === id),
      ids: (object, query = {}) => ({
        ids: queryRecords(schema(object), ofObject(object), query).map(({ id }) => id),
        total: ofObject(object).length,
      }),
      list: (object, query = {}) => ({ records: queryRecords(schema(object), ofObject(object), query), total: ofObject(object).length }),
      create: (object, values, draft) => did('create', object, values, ...(draft === undefined ? [] : [draft])).then(() => 'new-record'),
      createMany: (object, rows, onProgress) =>
        did('createMany', object, rows).then(() => {
          onProgress?.(rows.length)
          return rows.map((_, index) => `new-${index}`)
        }),
      edit: (object, id, values) => did('edit', object, id, values),
      convert: (lead, values) => did('convert', lead, values).then(() => 'new-record'),
      remove: (object, id) => did('remove', object, id),
      shares: () => scene.shares,
      sharedOver: (object, id) =>
        scene.sharedOver[id] ?? (scene.shares.some(({ on }) => on) ? ofObject(object).map((record) => record.id) : []),
      stopSharing: (share) => did('stopSharing', share),
      resumeSharing: (share) => did('resumeSharing', share),
    },
    connections: {
      list: () => scene.connections,
      get: (id) => scene.connections.find((view) => view.id === id),
      invite: (base) => did('invite', base).then(connection),
      cancelInvitation: (id) => did('cancelInvitation', id),
      accept: (link) => did('accept', link).then(connection),
      read: () => ({ vendor: 'V'.repeat(43) as Engine['org']['id'], vendorName: 'Tessaly & Brook' }),
      compareCodes: (id, same) => did('compareCodes', id, same),
      pause: (id) => did('pause', id),
      resume: (id) => did('resume', id),
      compareAgain: (id) => did('compareAgain', id),
      rename: (id, name) => did('rename', id, name),
      remove: (id) => did('remove', id),
      disconnect: (id) => did('disconnect', id),
    },
    agreements: {
      get: () => scene.agreement,
      history: () => scene.versions,
      reached: () => scene.reached,
      gaps: () => scene.gaps,
      fillIn: (id, object, fields, onProgress) =>
        did('fillIn', id, object, fields).then(() => {
          onProgress?.(1, 1)
          return { filled: 1, refused: 0 }
        }),
      wishes: () => scene.wishes,
      ask: (id, object, wish) => did('ask', id, object, wish).then(() => 'wish'),
      takeBackWish: (id, wish) => did('takeBackWish', id, wish),
      answerWish: (id, wish, answer) => did('answerWish', id, wish, answer),
      switchObject: (id, object, on) => did('switchObject', id, object, on),
      withdraw: (id, object, fields) => did('withdraw', id, object, fields),
      propose: (id, proposal) => did('propose', id, proposal),
      accept: (id, acceptance) => did('acceptAgreement', id, acceptance),
      suggest: (_id, object, chosen = []) =>
        (scene.agreement?.proposal?.objects[object]?.fields ?? []).map(
          ({ field, update }) => chosen.find((line) => line.source === field.name) ?? { source: field.name, target: field.name, update },
        ),
      preflight: () => scene.preflight,
    },
    sharing: {
      rule: () => scene.rule,
      setRule: (id, object, rule) => did('setRule', id, object, rule),
      visible: () => scene.visible,
      count: (_id, _object, rule) => rule.conditions.length * 7,
    },
    people: {
      list: () => scene.people,
      seats: () => scene.seats,
      setSeats: (id, total) => did('setSeats', id, total),
      grant: (id, person, terms) => did('grant', id, person, ...(terms ? [terms] : [])),
      revoke: (id, person) => did('revoke', id, person),
      users: () => scene.users,
      addUser: (name, role) => did('addUser', name, role).then(() => 'new-user'),
      removeUser: (id) => did('removeUser', id),
    },
    devices: {
      list: () => scene.devices,
      invitations: () => scene.deviceInvitations,
      async invite(invitation) {
        await did('inviteDevice', invitation)
        const [view] = scene.deviceInvitations
        if (!view) throw new Error('The scene has no invitation of a device.')
        return view
      },
      confirm: (id, same) => did('confirmDevice', id, same),
      cancel: (id) => did('cancelDevice', id),
      rename: (device, name) => did('renameDevice', device, name),
      setRole: (device, role) => did('setRole', device, role),
      remove: (devices) => did('removeDevices', devices),
      rotate: () => did('rotate'),
      keys: () => scene.keys,
    },
    site: {
      listings: (_id, object, query = {}) => ({
        listings: queryRecords(schema(object), scene.listings, query),
        total: scene.listings.length,
      }),
      fields: (_id, object) => schema(object).fields.slice(0, 5),
      obstacle: () => scene.obstacle,
      export: (id, object, listings) => did('export', id, object, listings).then(() => 'job'),
      copies: () => scene.copies,
      jobs: () => scene.jobs,
      errors: () => scene.jobErrors,
      errorFile: () => 'Record,Field\r\n',
      pause: (job) => did('pause', job),
      resume: (job) => did('resume', job),
      cancel: (job) => did('cancel', job),
      retry: (job, corrections) => did('retry', job, ...(corrections ? [corrections] : [])).then(() => job),
      recall: (job, records) => did('recall', job, ...(records ? [records] : [])),
      recalls: () => scene.recalls,
    },
    mirrors: { of: () => scene.mirrors, count: () => scene.mirrors.length },
    changes: {
      list: ({ object, connection, field, record } = {}) => {
        const changes = scene.changes.filter(
          (change) =>
            (object === undefined || change.object === object) &&
            (connection === undefined || change.connection === connection) &&
            (field === undefined || change.field?.name === field) &&
            (record === undefined || change.record === record),
        )
        return { changes, records: new Set(changes.map((change) => change.record)).size, pending: scene.pending }
      },
      count: () => new Set(scene.changes.map(({ record }) => record)).size,
      async markSeen(ids) {
        await did('markSeen', ids)
        scene.changes = scene.changes.filter(({ id }) => ids?.includes(id) === false)
        tell('changes')
      },
    },
    differences: {
      list: ({ object, field, stake } = {}) => {
        const differences = scene.differences.filter(
          (each) =>
            (object === undefined || each.object === object) &&
            (field === undefined || each.own.name === field) &&
            (!stake || each.stake?.currency === stake.currency),
        )
        return { differences, records: new Set(differences.map(({ record }) => record)).size, stakes: scene.stakes, pending: scene.pending }
      },
    },
    sync: {
      status: () => scene.sync,
      cut: () => void did('cut'),
      mend: () => void did('mend'),
      settled: () => Promise.resolve(),
      openGateway: (mirror) => did('openGateway', mirror).then(() => Promise.reject(new Error('A fake engine has no relay.'))),
    },
    recovery: {
      status: () => ({ kit: scene.kitSavedAt === undefined ? 'missing' : 'saved', savedAt: scene.kitSavedAt, age: scene.age }),
      makeKit: () => did('makeKit').then(() => ({ file: '{}', passphrase: '0123-4567-89AB-CDEF-GHJK' })),
      confirmKit: (file, passphrase) => did('confirmKit', file, passphrase),
      tryKit: (file, passphrase) =>
        did('tryKit', file, passphrase).then(() => ({
          org: { id: 'A'.repeat(43) as Engine['org']['id'], name: 'Quarrow Sensors' },
          made: Date.UTC(2027, 0, 1),
          records: { Lead: 120, Opportunity: 8 },
          connections: 2,
          people: [{ id: 'vera', name: 'Vera', role: 'admin' }],
          devices: 2,
          newestEdit: Date.UTC(2027, 0, 15),
          signedAt: scene.foundSigned,
        })),
      backup: () => did('backup').then(() => [new Uint8Array(3)]),
      confirmAge: () => did('confirmAge'),
    },
    settings: {
      read: () => scene.settings,
      change: (settings) => did('changeSettings', settings),
      site: () => scene.site,
      changeSite: (connection, site) => did('changeSite', connection, site),
    },
    drafts: {
      list: () => scene.drafts,
      of: (object, id) => scene.drafts.find((draft) => draft.object === object && draft.id === id),
      async keep(object, id, values) {
        await did('keepDraft', object, id, values)
        const known = scene.drafts.find((draft) => draft.object === object && draft.id === id)
        const draft = {
          object,
          id,
          isNew: false,
          at: Date.now(),
          changed: [],
          values: { ...known?.values, ...(values as DraftView['values']) },
        }
        scene.drafts = [draft, ...scene.drafts.filter((other) => other !== known)]
        tell('drafts')
      },
      async drop(object, id, fields) {
        await did('dropDraft', object, id, ...(fields ? [fields] : []))
        scene.drafts = scene.drafts.filter((draft) => draft.object !== object || draft.id !== id)
        tell('drafts')
      },
    },
    imports: {
      list: () => scene.imports,
      start: (object, name, rows) =>
        did('startImport', object, name, rows).then(() => {
          const creates = rows.filter(({ id }) => id === undefined).length
          const counts = { done: 0, total: rows.length, creates, skipped: 0, undoable: true }
          scene.imports = [
            { id: `import-${scene.imports.length}`, object, name, at: Date.UTC(2027, 0, 15), state: 'stopped', ...counts },
            ...scene.imports,
          ]
          return scene.imports[0]?.id ?? ''
        }),
      run: (id, onProgress) =>
        did('runImport', id).then(() => {
          const view = moveImport(id, 'done')
          onProgress?.(view)
          return view
        }),
      stop: (id) => did('stopImport', id).then(() => moveImport(id, 'stopped')),
      undo: (id) =>
        did('undoImport', id).then(() => {
          moveImport(id, 'undone')
          return scene.undone ?? Promise.reject(new EngineError('NOT_FOUND', 'This can be undone no longer.'))
        }),
    },
    audit: {
      list: ({ kind, after, limit = 100 } = {}) => {
        const entries = scene.audit.filter((each) => (kind === undefined || each.kind === kind) && each.sequence < (after ?? Infinity))
        return Promise.resolve({ entries: entries.slice(0, limit), more: entries.length > limit })
      },
      verify: () => Promise.resolve(scene.auditCheck),
      compare: () => ({ state: 'same', upTo: Date.UTC(2027, 0, 15) }),
    },
    history: {
      of: () => Promise.resolve(scene.history),
      putBack: (object, record, change, anyway) => did('putBack', object, record, change, anyway),
    },
    undo: {
      list: () => scene.steps,
      last: (object, record) => scene.steps.find((step) => step.object === object && step.record === record),
      run: (id) =>
        did('undo', id).then(() => scene.undone ?? Promise.reject(new EngineError('NOT_FOUND', 'This can be undone no longer.'))),
    },
    watch(listener) {
      watchers.add(listener)
      return () => watchers.delete(listener)
    },
    close: () => did('close'),
  }
}
