import { adopt } from './control.js'
import type { Device } from './device.js'
import { gossip } from './heads.js'
import { controlOffer, rotationOffer } from './project.js'
import { eraseWithdrawn } from './mirror.js'
import { allSlots, fields, messagesOf, orgs, outOf, records, second, teamOf } from './names.js'
import { type Agreement, claimsOf } from './policy.js'
import { emptyDisk } from './relay.js'
import { isAdmin, isListed, rosterKey } from './rosters.js'
import { Signed } from './signatures.js'
import { copyStore, newStore } from './store.js'
import type { World } from './world.js'

interface Step {
  readonly weight: number
  readonly run: (world: World) => void
}

/** Does one thing that may happen, by chance. */
export function pickStep(world: World): void {
  const { faults } = world
  const steps: Step[] = [
    { weight: 14, run: edit },
    { weight: faults.has('erasing') ? 5 : 2, run: share },
    { weight: 16, run: read },
    { weight: 16, run: publish },
    { weight: faults.has('absence') ? 1 : 4, run: connect },
    { weight: faults.has('absence') ? 1 : 0.7, run: disconnect },
    { weight: 0.7, run: (world) => world.backup(any(world)) },
    { weight: 1, run: (world) => (world.now += world.chance.between(1, 90) * 60 * second) },
  ]
  if (faults.has('crash')) steps.push({ weight: 1, run: (world) => any(world).load() })
  if (faults.has('lost tail')) steps.push({ weight: 0.6, run: lostTail })
  if (faults.has('eviction')) steps.push({ weight: 0.4, run: evict })
  if (faults.has('relay loss')) steps.push({ weight: 0.25, run: (world) => restart(world, true) })
  if (faults.has('relay backup'))
    steps.push({ weight: 0.6, run: (world) => world.backupRelay() }, { weight: 0.3, run: (world) => restart(world, false) })
  if (faults.has('skew')) steps.push({ weight: 0.2, run: (world) => (world.relaySkew = world.chance.between(-3, 3) * 24 * 3600 * second) })
  if (faults.has('versions')) steps.push({ weight: 1, run: agree })
  if (faults.has('withdrawal')) steps.push({ weight: 0.8, run: withdraw })
  if (faults.has('removal')) steps.push({ weight: 0.3, run: remove })
  if (faults.has('rotation')) steps.push({ weight: 0.3, run: rotate })
  if (faults.has('restore')) steps.push({ weight: 0.4, run: restore })
  if (faults.has('clone')) steps.push({ weight: 0.2, run: clone })
  if (world.mode !== 'honest') steps.push({ weight: 5, run: (world) => world.attacker.act() })
  let at = world.chance.next() * steps.reduce((sum, { weight }) => sum + weight, 0)
  for (const { weight, run } of steps) {
    at -= weight
    if (at > 0) continue
    world.log(run.name || 'step')
    run(world)
    return
  }
}

function any(world: World): Device {
  const device = world.pick(world.devices)
  if (!device) throw new Error('A world has devices.')
  return device
}

function edit(world: World): void {
  const device = any(world)
  const key = world.pick(records) ?? 'r0'
  const field = world.pick(fields) ?? 'f0'
  world.checks.edited(device, key, field, device.save(key, field, `${device.name} ${++world.names}`))
}

function share(world: World): void {
  const device = any(world)
  const key = world.pick(records) ?? 'r0'
  const on = device.row(key).get('on')?.value === true
  if (on && !world.chance.happens(world.faults.has('erasing') ? 0.7 : 0.2)) return
  world.checks.edited(device, key, 'on', device.save(key, 'on', !on))
}

function read(world: World): void {
  const device = any(world)
  device.readAll()
  gossip(device)
}

function publish(world: World): void {
  const device = any(world)
  for (let times = world.chance.between(1, 4); times > 0; times--) device.publish()
  // The answer may be lost with the line.
  if (world.chance.happens(0.05)) device.disconnect()
}

function connect(world: World): void {
  for (const device of world.devices) if (!device.online && world.chance.happens(0.7)) device.connect()
}

function disconnect(world: World): void {
  any(world).disconnect()
}

/** The last transactions of a device's disk are gone. */
function lostTail(world: World): void {
  const device = any(world)
  const store = world.pick(world.backups.get(device) ?? [])
  if (store) replace(world, device, copyStore(store))
}

function replace(world: World, device: Device, store: Device['store']): void {
  device.store = store
  device.outbox.clear()
  device.load()
  world.checks.restarted(device)
}

/** A browser drops a device's storage; a colleague's device lets it join again. */
function evict(world: World): void {
  const device = any(world)
  const sponsor = world.devices.find((one) => one.org === device.org && one !== device)
  if (!sponsor || !isListed(sponsor.store.rosters.get(device.org), device.name)) return
  const store = newStore(device.org, sponsor.store.rosters)
  for (const key of sponsor.store.keys) store.keys.add(key)
  store.rotations = sponsor.store.rotations
  store.generations = new Map(sponsor.store.generations)
  for (const feed of [teamOf('V'), teamOf('P'), outOf('V'), outOf('P')] as const) store.settled.set(feed, -1)
  replace(world, device, store)
}

function restart(world: World, empty: boolean): void {
  const disk = empty ? emptyDisk() : world.pick(world.relayBackups)
  if (!disk) return
  world.log(`relay restarts ${empty ? 'empty' : 'from a backup'}`)
  world.relay.start(disk)
  for (const device of world.devices) device.disconnect()
}

/** Both sides' admins sign the next version of the agreement. */
export function agree(world: World): void {
  const [vendor, partner] = orgs.map((org) =>
    world.pick(world.of(org).filter((device) => isAdmin(device.store.rosters.get(org), device.name) && device.online)),
  )
  if (!vendor || !partner) return
  const versions = world.devices.map(({ store }) => store.agreement.version)
  const epochs = world.devices.flatMap(({ store }) => [...store.floors.values()].map(({ version }) => version))
  const isApart = new Set(versions).size > 1 || epochs.some((version) => version > vendor.store.agreement.version)
  // They agree on one version after the other. At the end they settle what a removal took back.
  if (world.healed ? !isApart : new Set(versions).size > 1) return
  const slots = allSlots.filter(() => world.chance.happens(0.7))
  const claims = { version: Math.max(...versions, ...epochs) + 1, slots }
  const agreement: Agreement = { ...claims, signatures: [Signed.sign(vendor.name, claims), Signed.sign(partner.name, claims)] }
  world.checks.agreed(claims)
  adopt(vendor, agreement)
  adopt(partner, agreement)
}

function withdraw(world: World): void {
  const device = any(world)
  const slot = world.pick([...device.allowed()])
  if (slot === undefined) return
  device.changes++
  device.store.withdrawn.add(slot)
  device.store.withdrawnAt = world.now
  world.checks.withdrew(device, slot)
  eraseWithdrawn(device)
}

/** An admin removes a device, and rotates in the same act. */
function remove(world: World): void {
  const admin = world.pick(world.devices.filter((device) => device.online && isAdmin(device.store.rosters.get(device.org), device.name)))
  const roster = admin?.store.rosters.get(admin.org)
  if (!admin || !roster || admin.roster !== roster.claims.number) return
  const gone = world.pick(world.of(admin.org).filter((device) => device !== admin && isListed(roster, device.name)))
  if (!gone || world.of(admin.org).length < 2) return
  admin.readAll()
  if (admin.store.rosters.get(admin.org) !== roster) return
  const { admins, members, number } = roster.claims
  const without = (list: readonly string[]): readonly string[] => list.filter((name) => name !== gone.name)
  const next = Signed.sign(admin.name, {
    org: admin.org,
    number: number + 1,
    previous: roster,
    admins: without(admins),
    members: without(members),
    agreement: claimsOf(admin.store.agreement),
    generation: admin.generation(teamOf(admin.org)) + 1,
  })
  world.checks.listed(next)
  const answer = world.offer(admin, controlOffer(admin, 'roster', rosterKey(number + 1), next))
  if (typeof answer === 'string') return
  // A copied profile is one device for the roster, and goes with it.
  const copies = world.of(gone.org).filter(({ name }) => name === gone.name)
  for (const copy of copies) world.checks.removed(copy)
  world.attacker.joinedBy(gone)
  world.devices = world.devices.filter((device) => !copies.includes(device))
  admin.readAll()
  rotateBy(world, admin)
}

function rotate(world: World): void {
  const admin = world.pick(world.devices.filter((device) => device.online && isAdmin(device.store.rosters.get(device.org), device.name)))
  if (admin) rotateBy(world, admin)
}

function rotateBy(world: World, admin: Device): void {
  admin.readAll()
  admin.readAll()
  if (
    !admin.online ||
    !admin.reading(teamOf(admin.org)).live ||
    !admin.reading(outOf(admin.org)).live ||
    !admin.reading(messagesOf(admin.org)).live
  )
    return
  world.offer(admin, rotationOffer(admin, admin.generation(teamOf(admin.org)) + 1))
  admin.readAll()
}

/** All devices of an org but one are lost, and that one comes back from an old backup. */
function restore(world: World): void {
  const device = world.pick(world.devices.filter((one) => isAdmin(one.store.rosters.get(one.org), one.name)))
  const store = device && world.pick(world.backups.get(device) ?? [])
  if (!device || !store || world.chance.happens(0.3)) return
  world.devices = world.devices.filter((one) => one.org !== device.org || one === device)
  replace(world, device, copyStore(store))
  // What took the browsers may have taken the relay too.
  if (world.chance.happens(0.4)) restart(world, true)
}

/** A profile is copied: two devices with one name and one key. */
function clone(world: World): void {
  const device = any(world)
  if (world.of(device.org).length > 3) return
  world.add(device.org, device.name, copyStore(device.store))
}
