/** What carries out a rule at one place, and the test that fails without it. */
export interface LeftOut {
  /** What is left out, in words. */
  readonly what: string
  /** The file that carries it out. */
  readonly file: string
  /** Its text there, which the file holds once. */
  readonly text: string
  /** What stands in its place when the rule is left out. */
  readonly instead: string
  /** The file of the test that fails then, and words of its name. */
  readonly test: readonly [file: string, name: string]
}

/** An entry with its rule, and its own name: the rule, and its number among the rule's entries from 1. */
export interface NamedLeftOut extends LeftOut {
  readonly rule: string
  readonly name: string
}

const engine = 'packages/engine/src'
const protocol = 'packages/protocol/src'
const relay = 'relay-server/src'

// The tests that are named more than once.
const relayRosters = `${relay}/auth/rosters.test.ts`
const rootKey = `${relay}/auth/root-key.test.ts`
const roster = `${protocol}/roster.test.ts`
const rosters = `${engine}/identity/rosters.test.ts`
const nextRoster = `${engine}/identity/next-roster.test.ts`
const reveal = `${engine}/connect/reveal.test.ts`
const manyDevices = `${engine}/many-devices.test.ts`
const rotating = `${engine}/rotate/rotating.test.ts`
const late = `${engine}/rotate/late.test.ts`
const decisions = `${engine}/decide/decisions.test.ts`
const rowParts = `${engine}/replica/row-parts.test.ts`
const replica = `${engine}/replica/replica.test.ts`
const joining = `${engine}/devices/joining.test.ts`
const ownRotation = `${engine}/identity/own-rotation.test.ts`
const restore = `${engine}/recovery/restore.test.ts`
const recovery = `${engine}/recovery/recovery.test.ts`
const backup = `${engine}/recovery/backup.test.ts`
const held = `${engine}/replica/held.test.ts`
const handingBack = `${engine}/heads/handing-back.test.ts`
const sealToDevice = `${engine}/seal/seal-to-device.test.ts`
const decision = `${engine}/identity/decision.test.ts`
const joinOrg = `${engine}/join/join-org.test.ts`
const forged = `${engine}/rotate/forged.test.ts`
const engineRoster = `${engine}/identity/roster.test.ts`
const proof = `${engine}/decide/proof.test.ts`

/** By rule what of it can be left out, or a text that says why nothing can. */
export const leftOut: Readonly<Record<string, readonly LeftOut[] | string>> = {
  ID2: [
    {
      what: 'a roster that another org’s root key signed is none',
      file: `${protocol}/roster.ts`,
      text: "'root' in signer && thumbprintOf(signer.root.x) !== org",
      instead: 'false',
      test: [relayRosters, '[ID2] of another org lets nobody in'],
    },
  ],
  ID8: [
    {
      what: 'a session of the root key does nothing but subscribe',
      file: `${relay}/session/session.ts`,
      text: "if (message.type !== 'subscribe') this.fail('AUTH', 'The root key of an org only reads the feeds of its team.')",
      instead: "if (message.type !== 'subscribe') return true",
      test: [rootKey, 'reads nothing of a mailbox'],
    },
    {
      what: 'a session of the root key reads its team alone',
      file: `${relay}/session/session.ts`,
      text: "parseFeed(message.name).kind === 'team'",
      instead: 'true',
      test: [rootKey, 'reads nothing of a mailbox'],
    },
    {
      what: 'the key is that of the org',
      file: `${relay}/auth/authenticator.ts`,
      text: '!known || thumbprintOf(jwk.x) !== org',
      instead: '!known',
      test: [rootKey, 'is nobody at a relay that knows no roster'],
    },
    {
      what: 'a relay that knows no roster answers AUTH',
      file: `${relay}/auth/authenticator.ts`,
      text: '!known || thumbprintOf(jwk.x) !== org',
      instead: '!known && thumbprintOf(jwk.x) !== org',
      test: [rootKey, 'is nobody at a relay that knows no roster'],
    },
    {
      what: 'the root key has signed the hello',
      file: `${relay}/auth/authenticator.ts`,
      text: "await compactVerify(token, await importJWK(jwk, 'EdDSA'), { algorithms: ['EdDSA'] })",
      instead: '',
      test: [rootKey, 'is nobody at a relay that knows no roster'],
    },
  ],
  RO1: [
    {
      what: 'an admin’s device has signed',
      file: `${protocol}/roster.ts`,
      text: "signer?.role === 'admin'",
      instead: 'signer',
      test: [relayRosters, '[RO1, RO5] follows the one before it'],
    },
    {
      what: 'a roster names the hash of the one before it',
      file: `${protocol}/roster.ts`,
      text: 'roster.number === before.number + 1 && roster.previous !== before.hash',
      instead: 'false',
      test: [roster, '[RO1] does not count'],
    },
    {
      what: 'no roster follows one with its own number or a higher one',
      file: `${protocol}/roster.ts`,
      text: 'roster.org !== before.org || roster.number <= before.number',
      instead: 'roster.org !== before.org',
      test: [roster, '[RO1] signed by the root key follows any earlier one'],
    },
    {
      what: 'the relay verifies the signature',
      file: `${relay}/auth/rosters.ts`,
      text: "await compactVerify(roster.token, key, { algorithms: ['EdDSA'] })",
      instead: '',
      test: [relayRosters, '[RO1, RO5] follows the one before it'],
    },
    {
      what: 'a device verifies the signature',
      file: `${engine}/identity/roster.ts`,
      text: "await compactVerify(token, await importJWK(signingKeyOf(roster, before, isPath), 'EdDSA'), { algorithms: ['EdDSA'] })",
      instead: '',
      test: [rosters, '[RO1] a row that claims a roster'],
    },
    {
      what: 'the root key’s roster follows any lower number',
      file: `${protocol}/roster.ts`,
      text: "if ('root' in roster.signer) return roster.signer.root",
      instead: "if ('root' in roster.signer && roster.number === (before?.number ?? 0) + 1) return roster.signer.root",
      test: [relayRosters, '[RO1] signed by the root key follows any lower number'],
    },
  ],
  RO2: [
    {
      what: 'a roster names an admin',
      file: `${protocol}/roster.ts`,
      text: "if (!listed.some(({ role }) => role === 'admin'))",
      instead: 'if (false)',
      test: [roster, '[RO2] is refused'],
    },
    {
      what: 'a roster has at most a hundred devices',
      file: `${protocol}/roster.ts`,
      text: 'v.array(listedDevice), v.maxLength(limits.devicesPerOrg)',
      instead: 'v.array(listedDevice)',
      test: [roster, '[RO2] has at most a hundred devices'],
    },
    {
      what: 'no key stands on it twice',
      file: `${protocol}/roster.ts`,
      text: 'if (!isOnce)',
      instead: 'if (false)',
      test: [roster, '[RO2] is refused'],
    },
    {
      what: 'a key has a large order and one spelling',
      file: `${protocol}/roster.ts`,
      text: 'v.check(isSoundKey)',
      instead: 'v.check(() => true)',
      test: [roster, '[RO2] is refused'],
    },
    {
      what: 'the highest bit of an exchange key is zero',
      file: `${protocol}/roster.ts`,
      text: 'v.check(hasClearTop)',
      instead: 'v.check(() => true)',
      test: [engineRoster, '[RO2] refuses a second spelling of a key'],
    },
    {
      what: 'a device does not remove the last admin',
      file: `${engine}/identity/next-roster.ts`,
      text: "if (!devices.some(({ role }) => role === 'admin'))",
      instead: 'if (false)',
      test: [nextRoster, '[RO2] the last admin cannot be removed'],
    },
  ],
  RO3: [
    {
      what: 'the relay ends the sessions of a device that is on it no more',
      file: `${relay}/auth/session-revoker.ts`,
      text: 'session.device && !roster?.devices.has(session.device)',
      instead: 'false',
      test: [relayRosters, '[RO3, ID4] ends the session of a device'],
    },
    {
      what: 'the relay keeps it across restarts',
      file: `${relay}/auth/rosters.ts`,
      text: '!(await this.#store.keepRoster(roster))',
      instead: 'this.#held.get(roster.org)?.number === roster.number',
      test: [relayRosters, '[RO3, ID4] ends the session of a device'],
    },
    {
      what: 'a device that is on the highest no more decides nothing',
      file: `${engine}/identity/rosters.ts`,
      text: 'return (await this.highest(org))?.devices.get(device)',
      instead: 'return (await this.chain(org)).flatMap(({ devices }) => devices.get(device) ?? []).at(-1)',
      test: [rosters, '[RO3, SD2] a device that was removed decides nothing'],
    },
    {
      what: 'a device keeps its peer’s highest',
      file: `${engine}/connect/roster-reconciler.ts`,
      text: 'if (roster?.number === number) await rows.save([rosterEdit(roster)])',
      instead: '',
      test: [rosters, '[RO3] Paul holds to the highest'],
    },
    {
      what: 'what a reveal shows follows from what is known',
      file: `${engine}/connect/reveal.ts`,
      text: 'path && beyond(path, present)',
      instead: 'path',
      test: [reveal, '[RO3, RO7] is not read of who was removed'],
    },
  ],
  RO4: [
    {
      what: 'a device that the relay does not know brings its rosters',
      file: `${engine}/link/link.ts`,
      text: "code === 'AUTH' && !this.#isUnknown",
      instead: 'false',
      test: [rosters, '[RO4] is brought again by each device'],
    },
    {
      what: 'they come with the hello after that refusal',
      file: `${engine}/identity/identity.ts`,
      text: 'isFirst || isUnknown ? path',
      instead: 'isFirst ? path',
      test: [rosters, '[RO4] is brought again by each device'],
    },
    {
      what: 'they come with the first hello ever',
      file: `${engine}/identity/identity.ts`,
      text: 'isFirst || isUnknown ? path',
      instead: 'isUnknown ? path',
      test: [rosters, '[RO4] come with the first hello ever'],
    },
    {
      what: 'a relay that knows only a lower roster answers AUTH',
      file: `${relay}/auth/authenticator.ts`,
      text: ' || claims.roster > highest.number',
      instead: '',
      test: [relayRosters, '[RO3, RO4] that a device brings'],
    },
    {
      what: 'the relay verifies what is brought',
      file: `${relay}/auth/rosters.ts`,
      text: 'await verifyRoster(roster, this.#last, true)',
      instead: '',
      test: [relayRosters, '[RO4] is brought to a relay that lost its disk'],
    },
    {
      what: 'every refusal has the same words',
      file: `${relay}/auth/authenticator.ts`,
      text: `return await check()
  } catch {`,
      instead: `return await check()
  } catch (error) {
    if (error instanceof Error) throw new ProtocolError('AUTH', error.message)`,
      test: [relayRosters, '[RO4] tells a stranger nothing'],
    },
  ],
  RO5: [
    {
      what: 'another roster with a known number gets BEHIND',
      file: `${relay}/auth/rosters.ts`,
      text: "if (roster.hash !== before.hash) throw new ProtocolError('BEHIND', 'The org has another roster with this number.')",
      instead: '',
      test: [relayRosters, '[RO5] has one content under each number'],
    },
    {
      what: 'a roster is in force once the relay has verified it',
      file: `${relay}/auth/rosters.ts`,
      text: `await verifyRoster(roster, before)
`,
      instead: '',
      test: [relayRosters, '[RO1, RO5] follows the one before it'],
    },
    {
      what: 'it stands in the team’s messages',
      file: `${engine}/connect/roster-reconciler.ts`,
      text: 'if (id === org.id) return publish(rosterFeedOf(org.id))',
      instead: 'if (id === org.id) return',
      test: [rosters, '[RO5] stand in the team’s messages'],
    },
    {
      what: 'it stands in the messages of each connection',
      file: `${engine}/connect/roster-reconciler.ts`,
      text: "await publish(connectionFeed(connection, side, 'messages'), numberOf(row, 'shownRoster'))",
      instead: '',
      test: [rosters, '[RO5] stand in the connection’s messages'],
    },
    {
      what: 'the change of the second admin is made anew',
      file: `${engine}/identity/next-roster.ts`,
      text: 'if (isLost) await this.#makeAnew(each)',
      instead: '',
      test: [nextRoster, '[RO5] of two that are signed at once'],
    },
    {
      what: 'a roster that lost its number is replaced',
      file: `${engine}/identity/rosters.ts`,
      text: '.filter(({ number }) => number < changed)',
      instead: '',
      test: [nextRoster, '[RO5] of two that are signed at once'],
    },
  ],
  RO6: [
    {
      what: 'the relay refuses offers of who has not taken in the highest roster',
      file: `${relay}/session/session.ts`,
      text: "isBehind ? offers.filter(({ key }) => !key.startsWith('roster.')) : []",
      instead: '[]',
      test: [relayRosters, '[RO6] is taken in and shown by each device'],
    },
    {
      what: 'the roster that is shown is the highest',
      file: `${relay}/session/session.ts`,
      text: 'if (highest?.token === roster) this.#knownRoster = highest.number',
      instead: 'if (highest) this.#knownRoster = highest.number',
      test: [relayRosters, '[RO6] is taken in and shown by each device'],
    },
    {
      what: 'the hello says which roster the device has',
      file: `${relay}/session/session.ts`,
      text: 'this.#knownRoster = identity.roster',
      instead: 'this.#knownRoster = 2 ** 31',
      test: [relayRosters, '[RO6]'],
    },
    {
      what: 'a device shows the roster when it is refused',
      file: `${engine}/link/session.ts`,
      text: `this.#pauses.pauseKey(feed, key)
      this.#showRoster()`,
      instead: 'this.#pauses.pauseKey(feed, key)',
      test: [rotating, '[RO6] shows it in its session'],
    },
    {
      what: 'a device reads its team’s messages before it offers anything',
      file: `${engine}/link/session.ts`,
      text: 'if (!this.#live.has(feed)) return true',
      instead: '',
      test: [rotating, 'sends nothing more that Vito'],
    },
    {
      what: 'a device takes in the rosters there before it offers anything',
      file: `${engine}/link/session.ts`,
      text: 'return highestRoster(replica.inbox(feed).keys()) > Math.max(1, replica.keyring.takenRoster)',
      instead: 'return false',
      test: [rotating, 'sends nothing more that Vito'],
    },
    {
      what: 'a roster goes alone',
      file: `${engine}/link/session.ts`,
      text: 'isOnlyRoster = this.#bringsRoster()',
      instead: 'isOnlyRoster = false',
      test: [rotating, 'sends nothing more that Vito'],
    },
  ],
  RO7: [
    {
      what: 'few enough are left out at once',
      file: `${protocol}/roster.ts`,
      text: '(isPath ? limits.rostersLeftOut : 0)',
      instead: '(isPath ? 2 ** 31 : 0)',
      test: [relayRosters, '[RO4, RO7] is brought by a path'],
    },
    {
      what: 'few enough are left out in all',
      file: `${engine}/identity/roster.ts`,
      text: 'path.length > 0 && leftOutOf(path) <= limits.rostersLeftOut',
      instead: 'path.length > 0',
      test: [engineRoster, '[RO7] counts only where'],
    },
    {
      what: 'what is brought leaves out none that the relay may have another for',
      file: `${engine}/identity/identity.ts`,
      text: 'chain.filter(({ number }) => number <= readRoster)',
      instead: 'chain.filter(({ number }) => number > 0)',
      test: [rosters, '[RO4, RO7] are brought without those'],
    },
    {
      what: 'what is published leaves out none',
      file: `${protocol}/roster.ts`,
      text: '(isPath ? limits.rostersLeftOut : 0)',
      instead: 'limits.rostersLeftOut',
      test: [rosters, '[RO5, RO7] leave out none at a device'],
    },
    {
      what: 'the signer is an admin’s device on all that are left out',
      file: `${engine}/identity/roster.ts`,
      text: 'if (!before || !known || !isAdmin || number - before.number > limits.rostersLeftOut + 1) break',
      instead: 'if (!before || !known || !isAdmin) continue',
      test: [engineRoster, '[RO7] shows the roster that made its signer'],
    },
    {
      what: 'a device leaves out none of its own org since it is on the roster',
      file: `${engine}/identity/rosters.ts`,
      text: 'org !== this.#own.org || before?.devices.has(this.#own.device) !== true',
      instead: 'true',
      test: [rosters, '[RO5, RO7] leave out none at a device'],
    },
    {
      what: 'it stands in a connection’s messages from the one that the handshake showed',
      file: `${engine}/connect/roster-reconciler.ts`,
      text: 'if (!said && number < shown && !path.some((each) => each.number === number)) continue',
      instead: '',
      test: [manyDevices, '[RO7, CN2, JN2'],
    },
    {
      what: 'a reveal shows only rosters that the relay has shown',
      file: `${engine}/connect/reveal.ts`,
      text: 'Math.max(lastRead, first) + 1',
      instead: 'chain.length',
      test: [nextRoster, '[RO7, RO5] of one that an admin signed while away'],
    },
    {
      what: 'a reveal shows the roster that made the device an admin’s',
      file: `${engine}/connect/reveal.ts`,
      text: 'Math.max(lastRead, first) + 1',
      instead: 'Math.max(lastRead, 0) + 1',
      test: [joining, '[RO7] and as an admin’s connects it'],
    },
  ],
  DR1: [
    {
      what: 'the signature is for the stamp',
      file: `${engine}/decide/proof.ts`,
      text: 'canonicalJson([org, object, id, field, stamp, value])',
      instead: 'canonicalJson([org, object, id, field, value])',
      test: [proof, '[DR1] the signature of a register'],
    },
    {
      what: 'the signature is for the place',
      file: `${engine}/decide/proof.ts`,
      text: 'canonicalJson([org, object, id, field, stamp, value])',
      instead: 'canonicalJson([org, stamp, value])',
      test: [proof, '[DR1] the signature of a register'],
    },
    {
      what: 'the signature is for the value',
      file: `${engine}/decide/proof.ts`,
      text: 'canonicalJson([org, object, id, field, stamp, value])',
      instead: 'canonicalJson([org, object, id, field, stamp])',
      test: [proof, '[DR1] the signature of a register'],
    },
    {
      what: 'an admin’s device signs',
      file: `${engine}/decide/decisions.ts`,
      text: `await rows.save(edits)
`,
      instead: '',
      test: [decisions, 'what Ada decided stands'],
    },
  ],
  DR2: [
    {
      what: 'the signer is an admin’s device',
      file: `${engine}/decide/judge.ts`,
      text: 'const device = signer && isAdmin(signer, roster) ? roster?.devices.get(signer) : undefined',
      instead: 'const device = signer && roster?.devices.get(signer)',
      test: [decisions, '[DR1, DR2] a member’s device'],
    },
    {
      what: 'the signature is right',
      file: `${engine}/decide/judge.ts`,
      text: 'return isProof(proof, signer, device, { org: this.#org, object, id, field, register })',
      instead: 'return true',
      test: [decisions, '[DR1, DR2] a member’s device'],
    },
    {
      what: 'what does not count is published over',
      file: `${engine}/replica/replica.ts`,
      text: 'left.set(key, { ...stored, registers: textOfStamps(registers), unproven: true })',
      instead: 'left.set(key, { ...stored, unproven: true })',
      test: [decisions, '[DR1, DR2] a member’s device'],
    },
    {
      what: 'what did not count is read again with the next roster',
      file: `${engine}/replica/replica.ts`,
      text: 'if (admits) void this.judgeAgain().catch(this.#report)',
      instead: '',
      test: [decisions, '[DR2] a decision of a new admin'],
    },
  ],
  DR3: [
    {
      what: 'what follows is under the stamp of the peer’s message',
      file: `${engine}/row/rows.ts`,
      text: 'follows ? following(follows, previous) : this.#stamper.next(previous, now)',
      instead: 'this.#stamper.next(previous, now)',
      test: [decisions, '[DR3] a member’s device hears by itself'],
    },
    {
      what: 'what a device signed that is no admin’s any more is signed anew',
      file: `${engine}/decide/decisions.ts`,
      text: `if (object === 'Roster') this.#isStale = true
        else if (row)`,
      instead: 'if (row)',
      test: [decisions, 'what Ada decided stands'],
    },
    {
      what: 'it is signed anew under the next stamp',
      file: `${engine}/decide/decisions.ts`,
      text: 'proof === undefined ? stamp : nextStamp(stamp, stamp[0], session)',
      instead: 'stamp',
      test: [decisions, 'what Ada decided stands'],
    },
  ],
  DR4: [
    {
      what: 'an admin’s device says again above it what it has itself',
      file: `${engine}/decide/decisions.ts`,
      text: 'await rows.save(anew.flat())',
      instead: '',
      test: [decisions, '[DR4] gives way to what'],
    },
    {
      what: 'so of what came late',
      file: `${engine}/replica/replica.ts`,
      text: 'if (parts.length > 0) await this.#context.deciding?.admit(mergeAll(parts))',
      instead: '',
      test: [decisions, '[DR4] gives way to what'],
    },
    {
      what: 'whoever has taken it publishes it still',
      file: `${engine}/decide/judge.ts`,
      text: 'history.flatMap(({ devices })',
      instead: 'history.slice(-1).flatMap(({ devices })',
      test: [decisions, '[DR4] gives way also where Viola’s device'],
    },
    {
      what: 'a member’s device publishes nothing over it',
      file: `${engine}/replica/replica.ts`,
      text: 'isOutdated && known ? { ...others, [field]: known } : others',
      instead: 'others',
      test: [decisions, '[DR4] stays where it is'],
    },
    {
      what: 'where it has nothing, it says so',
      file: `${engine}/decide/decisions.ts`,
      text: 'const value = present?.[1] ?? null',
      instead: 'if (!present) return []\n    const [, value] = present',
      test: [decisions, '[DR4] gives way to what'],
    },
    {
      what: 'it takes nothing that was decided anew in place of what it has taken',
      file: `${engine}/decide/decisions.ts`,
      text: '(stamp[2] === noneSession || stamp[2] === someSession) && compareStamps(stamp, nextStamp(known, known[0], stamp[2])) === 0',
      instead: 'false',
      test: [decisions, '[DR4, DR3] stays'],
    },
    {
      what: 'what is decided anew gives way to what is signed anew',
      file: `${engine}/decide/decisions.ts`,
      text: 'const [noneSession, someSession] = [1, 2]',
      instead: 'const [noneSession, someSession] = [2 ** 53 - 2, 2 ** 53 - 1]',
      test: [decisions, '[DR4, DR3] stays'],
    },
  ],
  TM1: [
    {
      what: 'the team’s rows are read to their end first',
      file: `${engine}/replica/policy.ts`,
      text: 'replicaState.feed(team).rebuild || deciding?.hasUnsigned === true',
      instead: 'deciding?.hasUnsigned === true',
      test: [replica, '[TM1] says nothing to a peer'],
    },
    {
      what: 'what decides is signed first',
      file: `${engine}/replica/policy.ts`,
      text: 'replicaState.feed(team).rebuild || deciding?.hasUnsigned === true',
      instead: 'replicaState.feed(team).rebuild',
      test: [replica, '[TM1] says nothing to a peer'],
    },
    {
      what: 'what decides is in the team first',
      file: `${engine}/replica/policy.ts`,
      text: 'for (const object of firstObjects) for',
      instead: 'for (const object of firstObjects.slice(0, 0)) for',
      test: [replica, '[TM1] says nothing to a peer'],
    },
    {
      what: 'a doc waits for its record map',
      file: `${engine}/replica/replica.ts`,
      text: '(isOfConnection && awaitsTeam(this.#context, address))',
      instead: 'false',
      test: [replica, '[TM1] sends a record’s map to the team'],
    },
  ],
  TM2: [
    {
      what: 'a row stands under its own key alone',
      file: `${engine}/replica/feed-sealer.ts`,
      text: 'part && this.names?.key(part.object, part.id) === key ? part : undefined',
      instead: 'part',
      test: [rowParts, '[TM2] count under the key of their row alone'],
    },
    {
      what: 'a row is never taken back',
      file: `${engine}/replica/absorb-entry.ts`,
      text: "if (feedRole.kind === 'team') return refuse(",
      instead: 'if (false) return refuse(',
      test: [rowParts, '[TM2] count under the key of their row alone'],
    },
    {
      what: 'a long row is cut into parts',
      file: `${engine}/replica/row-parts.ts`,
      text: 'bytes > 0 && bytes + size > mostBytes',
      instead: 'bytes < 0',
      test: [rowParts, '[TM2, OR1] of a long row that did not change'],
    },
    {
      what: 'an update brings the parts that changed',
      file: `${engine}/replica/project-offer.ts`,
      text: 'filter(([slot, bytes]) => !isSameBytes(bytes, present.get(slot)))',
      instead: 'filter(() => true)',
      test: [rowParts, '[TM2, OR1] of a long row that did not change'],
    },
  ],
  JN1: [
    {
      what: 'the link works for 24 hours',
      file: `${engine}/devices/devices.ts`,
      text: "isOpen(stored) && textOf(stored, 'join') === 'compare' && !isExpired(row, now())",
      instead: "isOpen(stored) && textOf(stored, 'join') === 'compare'",
      test: [joining, '[JN1] not where Vera comes back after 24 hours'],
    },
    {
      what: 'a link to connect lets no device join',
      file: `${engine}/connect/invitation-link.ts`,
      text: "if (found !== undefined && found !== kind) throw new EngineError('LINK', otherKind[kind])",
      instead: '',
      test: [joining, 'not by a link of another kind'],
    },
  ],
  JN2: [
    {
      what: 'the device takes no reveal without the claim',
      file: `${engine}/connect/handshake-reconciler.ts`,
      text: `if ((reveal.joins === undefined) !== (textOf(row, 'join') === undefined))
        return`,
      instead: `if (false)
        return`,
      test: [joining, 'not by a link of another kind'],
    },
    {
      what: 'it joins the org that the link names',
      file: `${engine}/connect/handshake-reconciler.ts`,
      text: "reveal.org !== textOf(row, 'vendor')",
      instead: 'false',
      test: [joining, 'not by a link of another kind'],
    },
    {
      what: 'the role is that of the admin’s reveal',
      file: `${engine}/devices/devices.ts`,
      text: 'const added = { ...joiner, person, role: joins.role }',
      instead: "const added = { ...joiner, person, role: 'admin' as const }",
      test: [joining, '[JN1, JN2, JN3, JN4, JN5]'],
    },
    {
      what: 'an admin who cancels says so',
      file: `${engine}/connect/handshake-reconciler.ts`,
      text: "{ object: 'Message', id: messageRowId(mailboxFeed(id, 'vendor'), cancelKey), values: { body } },",
      instead: '',
      test: [joining, 'not where the admin finds the codes different'],
    },
  ],
  JN3: [
    {
      what: 'an admin has confirmed the code',
      file: `${engine}/devices/devices.ts`,
      text: "if (join === 'confirmed') await handOver(row)",
      instead: "if (join === 'compare' || join === 'confirmed') await handOver(row)",
      test: [joining, 'not where the admin finds the codes different'],
    },
    {
      what: 'the relay has the roster before the keys are sent',
      file: `${engine}/devices/devices.ts`,
      text: 'if (!highest || replica.inbox(rosterFeedOf(org.id)).get(rosterKey(highest.number))?.body !== highest.token) return',
      instead: 'if (!highest) return',
      test: [joining, '[JN3, RO5] while Victor removes a device'],
    },
    {
      what: 'it waits for a rotation on its way',
      file: `${engine}/devices/devices.ts`,
      text: 'if (await rotationOnItsWay(context)) return',
      instead: '',
      test: [joining, '[JN3, RT2] gets the keys of a rotation that Vera’s device had read'],
    },
    {
      what: 'the decision names the transcript',
      file: `${engine}/join/join-org.ts`,
      text: '!claims.success || claims.output.transcript !== transcript',
      instead: '!claims.success',
      test: [joinOrg, '[JN3, JN5] takes over nothing'],
    },
  ],
  JN4: [
    {
      what: 'a part opens for its device alone',
      file: `${engine}/devices/join-package.ts`,
      text: 'await sealTo(exchange, infoOf(org), placeOf(transcript, index), part)',
      instead: 'part',
      test: [joining, '[JN4] opens for its device'],
    },
    {
      what: 'a part opens at its place alone',
      file: `${engine}/devices/join-package.ts`,
      text: `encodeUtf8(\`\${transcript}\\n\${index}\`)`,
      instead: 'encodeUtf8(transcript)',
      test: [joining, '[JN4] opens for its device'],
    },
    {
      what: 'a package has at most twelve parts',
      file: `${engine}/devices/join-package.ts`,
      text: 'if (size > mostParts * partBytes) break',
      instead: '',
      test: [joining, '[JN4] is cut into parts'],
    },
    {
      what: 'it has the secrets of later generations',
      file: `${engine}/join/become.ts`,
      text: '{ put: keyringKey, value: keys }, ',
      instead: '',
      test: [joining, '[RT1, JN4] has the keys of all generations'],
    },
    {
      what: 'a package of another form is refused whole',
      file: `${engine}/devices/join-package.ts`,
      text: 'all.every((row) => row !== undefined)',
      instead: 'true',
      test: [joining, '[JN4] is of one form'],
    },
  ],
  JN5: [
    {
      what: 'an admin’s device on the shown roster has signed the package',
      file: `${engine}/join/join-org.ts`,
      text: 'const claims = v.safeParse(joinTerms, verified.ok ? decodeJwt(welcome) : undefined)',
      instead: 'const claims = v.safeParse(joinTerms, decodeJwt(welcome))',
      test: [joinOrg, '[JN3, JN5] takes over nothing'],
    },
    {
      what: 'the parts are those that the decision names',
      file: `${engine}/join/join-org.ts`,
      text: 'if (claims.output.parts.some((hash, index) => hash !== hashes[index])) return undefined',
      instead: '',
      test: [joinOrg, '[JN3, JN5] takes over nothing'],
    },
    {
      what: 'the roster in it is higher than the shown one, and follows from it',
      file: `${engine}/join/join-org.ts`,
      text: 'path && beyond(path, shown)?.at(-1)',
      instead: 'path?.at(-1)',
      test: [joinOrg, '[JN3, JN5] takes over nothing'],
    },
    {
      what: 'the roster in it has the device, with its keys, person and role',
      file: `${engine}/join/join-org.ts`,
      text: 'return listed && isOurs ? found : undefined',
      instead: 'return highest ? found : undefined',
      test: [joinOrg, '[JN3, JN5] takes over nothing'],
    },
    {
      what: 'one transaction takes the place of the throw-away org',
      file: `${engine}/join/join-org.ts`,
      text: '{ writes: isJoining ? [...emptied, ...writes] : [], result: undefined }',
      instead: '{ writes, result: undefined }',
      test: [joinOrg, '[JN5] takes what an admin’s device made for it'],
    },
    {
      what: 'the device has the heads of the team’s feeds',
      file: `${engine}/devices/devices.ts`,
      text: 'partsOf(head, [...headRows(), ...firstRows(rows)])',
      instead: 'partsOf(head, firstRows(rows))',
      test: [joinOrg, '[JN5] notices that the relay holds back'],
    },
  ],
  RT1: [
    {
      what: 'a rotation begins the next generation',
      file: `${engine}/rotate/own-reconciler.ts`,
      text: 'replica.keyring.highestOwn() + 1',
      instead: 'Math.max(1, replica.keyring.highestOwn())',
      test: [rotating, 'publishes its rotations again'],
    },
    {
      what: 'earlier generations stay readable',
      file: `${engine}/seal/keyring.ts`,
      text: 'own: { ...keys.own, [of]: secret }',
      instead: 'own: { [of]: secret }',
      test: [rotating, 'publishes its rotations again'],
    },
  ],
  RT2: [
    {
      what: 'one that the relay does not have is drawn anew for a later roster',
      file: `${engine}/engine.ts`,
      text: 'await renewRotation(known)',
      instead: '',
      test: [joining, '[JN3, RT2] has the keys of a rotation'],
    },
    {
      what: 'an admin’s device on that roster has signed',
      file: `${engine}/identity/own-rotation.ts`,
      text: "signer?.role !== 'admin'",
      instead: '!signer',
      test: [ownRotation, '[RT2] hold for one that does not count'],
    },
    {
      what: 'the signature is right',
      file: `${engine}/identity/own-rotation.ts`,
      text: "await compactVerify(token, await importJWK(toPublicKey(signer.key), 'EdDSA'), { algorithms: ['EdDSA'] })",
      instead: '',
      test: [ownRotation, '[RT2] hold for one that does not count'],
    },
    {
      what: 'it is sealed to each device of the roster',
      file: `${engine}/identity/own-rotation.ts`,
      text: ' || on.devices.size !== rotation.sealed.length',
      instead: '',
      test: [ownRotation, '[RT2] hold for one that does not count'],
    },
    {
      what: 'it is of this org',
      file: `${engine}/identity/own-rotation.ts`,
      text: 'rotation.org !== org || on?.org !== org || ',
      instead: '',
      test: [ownRotation, '[RT2] hold for one that does not count'],
    },
    {
      what: 'it is sealed to the kit',
      file: `${engine}/rotate/own-reconciler.ts`,
      text: '...(kit !== undefined && { kit })',
      instead: '',
      test: [rotating, '[RT1, RT2, RT4, RT5] has new keys'],
    },
  ],
  RT3: [
    {
      what: 'of two the one of the higher roster counts',
      file: `${engine}/identity/own-rotation.ts`,
      text: '!known || known.on.number < arrived.on.number',
      instead: '!known',
      test: [ownRotation, '[RT3] hold for two of one generation'],
    },
    {
      what: 'of two of one roster the lower text counts',
      file: `${engine}/identity/own-rotation.ts`,
      text: 'known.on.number === arrived.on.number && arrived.token < known.token ? arrived : known',
      instead: 'known',
      test: [ownRotation, '[RT3] goes by the lower text of two'],
    },
    {
      what: 'who was removed begins nothing after the removal',
      file: `${engine}/rotate/own-reconciler.ts`,
      text: 'if ((keyring.ownOrder(of)?.roster ?? 0) > on.number) return',
      instead: '{}',
      test: [forged, '[RT3, RT10] begins no generation'],
    },
    {
      what: 'who was removed takes nobody’s place',
      file: `${engine}/rotate/own-reconciler.ts`,
      text: 'if (known && (known.roster > on.number || (before && prevailing(before, rotation) === before))) return',
      instead: '',
      test: [forged, '[RT3, RT10] begins no generation'],
    },
    {
      what: 'of two admins who rotate at once the first is heard',
      file: `${engine}/rotate/own-reconciler.ts`,
      text: 'row ? {} : { stamp: [roster.number, 0, 0] as const }',
      instead: '{}',
      test: [rotating, '[RT3] from two devices at once'],
    },
    {
      what: 'in a connection too',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: 'register ? {} : { stamp: [1, 0, 0] as const }',
      instead: '{}',
      test: [rotating, '[RT3] from two devices at once'],
    },
  ],
  RT4: [
    {
      what: 'it is an admin’s decision',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: "{ org: org.id, connection, role: 'admin' }",
      instead: '{ org: org.id, connection }',
      test: [forged, '[RT4, SD2]'],
    },
    {
      what: 'a peer’s is an admin’s decision',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: "body, rotationTerms, 'admin')",
      instead: 'body, rotationTerms)',
      test: [forged, '[RT4, SD2]'],
    },
    {
      what: 'it is for its generation alone',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: 'decision.ok && decision.terms.generation === of ? decision.terms : undefined',
      instead: 'decision.ok ? decision.terms : undefined',
      test: [forged, '[RT4, SD2]'],
    },
    {
      what: 'it opens with the key to which it names itself sealed',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: 'const key = terms && (await receivingKeyOf(connection, terms.to))',
      instead: 'const key = terms && (await receivingKeyOf(connection, 0))',
      test: [rotating, 'at once with its peer'],
    },
    {
      what: 'a generation that rests on a replaced secret is passed over',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: 'if (!said.some((terms) => terms && keyring.isReplaced(terms))) return of',
      instead: 'return of',
      test: [rotating, '[RT4] goes on'],
    },
    {
      what: 'what the peer seals to its receiving key is passed over',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: 'if (terms && !key && terms.to > 0 && terms.to < keyring.highestSending(id, side)) continue',
      instead: '',
      test: [rotating, '[RT4] goes on'],
    },
    {
      what: 'the org that rotated brings a receiving key',
      file: `${engine}/connect/rotation.ts`,
      text: 'renews ? { receiving: (await receivingKey(own.secret, connection, next)).public } : {}',
      instead: '{}',
      test: [rotating, '[RT1, RT2, RT4, RT5]'],
    },
  ],
  RT5: [
    {
      what: 'an org answers',
      file: `${engine}/connect/rotation.ts`,
      text: 'Math.max(0, ...brought) > Math.max(0, ...own.map(({ to }) => to))',
      instead: 'false',
      test: [rotating, '[RT1, RT2, RT4, RT5]'],
    },
    {
      what: 'an answer is owed no answer',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: 'const isDue = keyring.isSendingDue(id, side)',
      instead: 'const isDue = true',
      test: [rotating, 'at once with its peer'],
    },
  ],
  RT6: [
    {
      what: 'what is sealed under an unknown generation is held',
      file: `${engine}/replica/feed-sealer.ts`,
      text: "if (generation === firstGeneration || feedRole.kind === 'mailbox' || this.#keysOf(feedRole, generation)) return undefined",
      instead: 'return undefined',
      test: [held, '[RT6] is kept unread'],
    },
    {
      what: 'the device does not publish under that key',
      file: `${engine}/replica/compare.ts`,
      text: "heldOf(head) && need !== 'none' ? 'wait' : need",
      instead: 'need',
      test: [held, '[RT6] is not written over'],
    },
    {
      what: 'what is held is read once the key is there',
      file: `${engine}/replica/replica.ts`,
      text: 'for (const feed of this.#replicaState.heldFeeds()) await this.#absorbHeld(feed, [...this.#replicaState.held(feed).keys()], false)',
      instead: '',
      test: [held, '[RT6] is kept unread'],
    },
    {
      what: 'of a peer whose codes nobody has compared nothing is held',
      file: `${engine}/replica/feed-sealer.ts`,
      text: "if (feedRole.kind === 'connection' && !feedRole.own && !wasVerified(this.#rows.get('Connection', feedRole.connection))) return undefined",
      instead: '',
      test: [held, '[RT6, IS4] holds nothing of a stranger'],
    },
  ],
  RT7: [
    {
      what: 'what nobody has announced is left out',
      file: `${engine}/link/session.ts`,
      text: 'for (const [held, keys] of await this.#options.replica.giveUpHeld(feed)) this.#repair(held, keys)',
      instead: '',
      test: [held, '[RT7, AN2] hides a listing from Paul'],
    },
    {
      what: 'what was announced is not left out',
      file: `${engine}/replica/replica.ts`,
      text: '!late && !this.#isAnnounced(messages, generation)',
      instead: '!late',
      test: [held, '[RT7] does not make Paul give up'],
    },
  ],
  RT8: [
    {
      what: 'a rotation is sealed under the first generation',
      file: `${engine}/replica/feed-sealer.ts`,
      text: 'bringsKeys(binding.key) ? firstGeneration : this.generationOf(feedRole)',
      instead: 'this.generationOf(feedRole)',
      test: [rotating, '[RT8, RT11] is read by a device that came by the kit'],
    },
    {
      what: 'a device takes its own rotation from the relay',
      file: `${engine}/rotate/own-reconciler.ts`,
      text: 'await rows.save([{ ...edit, values: { body: token }, ...first }], unchanged)',
      instead: `await rows.save([{ ...edit, values: { body: token }, ...first }], unchanged)
  await replica.keyring.addOwn(generation, secret, { roster: roster.number, token })`,
      test: [rotating, '[RT8] seals nothing under the new keys'],
    },
  ],
  RT9: [
    {
      what: 'a removal asks for a rotation',
      file: `${engine}/rotate/own-reconciler.ts`,
      text: 'if (removed > keyring.ownRoster() && (await mayRotate(context))) await beginOwnRotation(context)',
      instead: '',
      test: [rotating, '[RT9] rotates by itself'],
    },
    {
      what: 'so does a roster that the root key signed later',
      file: `${engine}/identity/roster.ts`,
      text: "const isRecovery = 'root' in signer && number > 1",
      instead: 'const isRecovery = false && signer',
      test: [restore, 'shuts the lost device out'],
    },
    {
      what: 'it is made once the relay has the roster',
      file: `${engine}/rotate/removals.ts`,
      text: 'inbox ? chain.findLastIndex(({ number, token }) => inbox.get(rosterKey(number))?.body === token) + 1 : chain.length',
      instead: 'chain.length',
      test: [rotating, '[RT9] makes no keys for a roster'],
    },
    {
      what: 'until then a device publishes nothing in its team',
      file: `${engine}/replica/policy.ts`,
      text: "if (feedRole.kind === 'team') return keyring.isOwnDue(org)",
      instead: "if (feedRole.kind === 'team') return false",
      test: [rotating, 'sends nothing more that Vito'],
    },
    {
      what: 'until then a device publishes nothing to a peer',
      file: `${engine}/replica/policy.ts`,
      text: 'return keyring.isOwnDue(org) || keyring.isSendingDue(feedRole.connection, feedRole.side)',
      instead: 'return keyring.isSendingDue(feedRole.connection, feedRole.side)',
      test: [rotating, '[RT9] says nothing to Paul'],
    },
    {
      what: 'nor until the relay has the rotation of the connection',
      file: `${engine}/replica/policy.ts`,
      text: 'return keyring.isOwnDue(org) || keyring.isSendingDue(feedRole.connection, feedRole.side)',
      instead: 'return keyring.isOwnDue(org)',
      test: [rotating, '[RT9] says nothing to Paul'],
    },
    {
      what: 'until then no head of docs is signed',
      file: `${engine}/heads/signer.ts`,
      text: '(parsed.topic !== messagesTopic && keyring.isOwnDue(org))',
      instead: 'false',
      test: [rotating, '[RT9] says nothing to Paul'],
    },
    {
      what: 'nor in a connection until its rotation is there',
      file: `${engine}/heads/signer.ts`,
      text: 'if (parsed.topic !== messagesTopic && keyring.isSendingDue(parsed.connection, parsed.side)) return false',
      instead: '',
      test: [rotating, '[RT9] says nothing to Paul'],
    },
  ],
  RT10: [
    {
      what: 'an org’s rotations are published again, over what somebody else put there',
      file: `${engine}/rotate/own-reconciler.ts`,
      text: 'await keep(feed)',
      instead: '',
      test: [forged, '[RT3, RT10] begins no generation'],
    },
    {
      what: 'a connection’s rotation is published again',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: 'await signAgain(connection, own)',
      instead: '',
      test: [forged, '[RT10] leaves what the org sends with'],
    },
    {
      what: 'one whose signer is no admin any more is signed again',
      file: `${engine}/rotate/connection-reconciler.ts`,
      text: 'if (isDone) continue',
      instead: "if (typeof body === 'string') continue",
      test: [forged, '[RT10] leaves what the org sends with'],
    },
    {
      what: 'rosters are published again',
      file: `${engine}/connect/roster-reconciler.ts`,
      text: "if (valueOf(said, 'body') !== token) edits",
      instead: "if (rows.get('ControlEntry', id) === undefined) edits",
      test: [forged, '[RT10] puts no other roster'],
    },
  ],
  RT11: [
    {
      what: 'a seal of an earlier generation is late',
      file: `${engine}/replica/absorb-entry.ts`,
      text: 'generationOf(sealed) < lateBelow && isAbove(register, known)',
      instead: 'false',
      test: [late, '[RT11] is left out by all'],
    },
    {
      what: 'who had read the feed to its end leaves it out',
      file: `${engine}/replica/absorb-entry.ts`,
      text: 'if (absorber.isSettled && absorber.sealer.isBeforeRemoval(absorber.feedRole, generation))',
      instead: 'if (false)',
      test: [late, '[RT11] is left out by all'],
    },
    {
      what: 'whoever had not holds it',
      file: `${engine}/replica/absorb-entry.ts`,
      text: 'if (absorber.isSettled && absorber.sealer.isBeforeRemoval(absorber.feedRole, generation))',
      instead: 'if (true)',
      test: [late, '[RT11] is held by a device that was away'],
    },
    {
      what: 'an owner leaves it out after ten minutes',
      file: `${engine}/rotate/publishing-again.ts`,
      text: 'if (since !== undefined && clock.now() - since >= lateMs)',
      instead: 'if (false)',
      test: [late, '[RT11] is held by a device that was away'],
    },
    {
      what: 'rosters and rotations are never late',
      file: `${engine}/replica/absorb-entry.ts`,
      text: '!bringsKeys(entry.key) && isLate(',
      instead: 'isLate(',
      test: [rotating, '[RT8, RT11] is read by a device that came by the kit'],
    },
    {
      what: 'nothing late that is handed back counts',
      file: `${engine}/replica/handed-back.ts`,
      text: 'if (generationOf(bytes) < lateBelow && register[0][0] > restoredAt) {',
      instead: 'if (false) {',
      test: [restore, 'takes back from Paul what relay and team have lost'],
    },
  ],
  RT12: [
    {
      what: 'what is under earlier keys is published again',
      file: `${engine}/replica/compare.ts`,
      text: 'return (head.generation ?? 0) < present',
      instead: 'return false',
      test: [late, '[RT12] is published again'],
    },
    {
      what: 'it is looked for',
      file: `${engine}/rotate/publishing-again.ts`,
      text: 'if (next.length > 0) await replica.publishDue(next)',
      instead: '',
      test: [late, '[RT12] is published again'],
    },
  ],
  RT13: [
    {
      what: 'an admin’s device signs a standing decision again',
      file: `${engine}/rotate/sign-again.ts`,
      text: 'await rows.save([{ ...edit, values: { body } }], unchanged)',
      instead: '',
      test: [rotating, '[RT13] stands by what the removed admin'],
    },
    {
      what: 'it confirms the codes where nobody has said so yet',
      file: `${engine}/rotate/sign-again.ts`,
      text: 'await confirmAgain(id, ownMessages)',
      instead: '',
      test: [rotating, '[RT13] confirms the codes to Paul'],
    },
    {
      what: 'a proposal that is no more open is not signed again',
      file: `${engine}/rotate/sign-again.ts`,
      text: "(found.type === 'proposal' && !isOpen(rows.get('Agreement', id), found.terms))",
      instead: 'false',
      test: [rotating, '[RT13] leaves the removed admin'],
    },
  ],
  BK1: [
    {
      what: 'a reader keeps the seals above the relay’s copy',
      file: `${engine}/replica/above.ts`,
      text: 'for (const slot of slots) {',
      instead: 'for (const slot of noSlots) {',
      test: [handingBack, '[BK1, BK2, BK3] and Paul’s mirror'],
    },
  ],
  BK2: [
    {
      what: 'only seals of the present version',
      file: `${engine}/replica/handed-back.ts`,
      text: 'return slot === existenceSlot ? epoch.version <= version : epoch.version === version',
      instead: 'return slot !== undefined || epoch.version === version',
      test: [handingBack, 'brings back no withdrawn field'],
    },
    {
      what: 'first that the record is shared',
      file: `${engine}/replica/above.ts`,
      text: 'return isGone || head.above?.includes(existenceSlot) ? [existenceSlot] : noSlots',
      instead: 'return isGone || head.above?.includes(existenceSlot) ? [existenceSlot, ...Object.keys(registersOf(head))] : noSlots',
      test: [handingBack, '[BK2] hands back first that a record was shared'],
    },
  ],
  BK3: [
    {
      what: 'above what is late the owner says what it has there',
      file: `${engine}/replica/handed-back.ts`,
      text: 'compareStamps(register[0], present[0]) > 0 ? sayAbove({ key, slot }) : undefined',
      instead: 'undefined',
      test: [late, '[BK3, RT11] leaves'],
    },
    {
      what: 'only under slots of the agreement and of its version',
      file: `${engine}/replica/handed-back.ts`,
      text: 'if (field === undefined || !countsUnder(fields.version, slot, epoch)) continue',
      instead: 'if (field === undefined) continue',
      test: [handingBack, 'brings back no withdrawn field'],
    },
    {
      what: 'nothing over a connection that is over, or not confirmed',
      file: `${engine}/replica/handed-back.ts`,
      text: 'if (!fields || isOver(connection) || !isConfirmed(connection)) return nothing',
      instead: 'if (!fields) return nothing',
      test: [handingBack, 'brings back no withdrawn field'],
    },
  ],
  BK4: [
    {
      what: 'a message has at most 200 seals',
      file: `${engine}/heads/handing-back-reconciler.ts`,
      text: 'due.slice(start, start + mostSeals)',
      instead: 'due',
      test: [handingBack, '[BK2, BK4] hands all back in parts'],
    },
    {
      what: 'a message has at most so many characters',
      file: `${engine}/heads/handing-back-reconciler.ts`,
      text: 'if (found.length > 0 && length > mostText) break',
      instead: '',
      test: [handingBack, 'that each fit, and none twice'],
    },
    {
      what: 'the owner hears one message for each head',
      file: `${engine}/heads/handing-back-reconciler.ts`,
      text: 'body.output.time !== time || taken.get(feed) === time',
      instead: 'body.output.time !== time',
      test: [handingBack, '[BK4] is heard once for each head'],
    },
    {
      what: 'a seal is handed back every ten minutes',
      file: `${engine}/heads/handing-back-reconciler.ts`,
      text: ' >= againMs)',
      instead: ' >= 0)',
      test: [handingBack, '[BK4] asks an owner that does not want it'],
    },
  ],
  HP1: [
    {
      what: 'the cipher is ChaCha20-Poly1305 over HPKE',
      file: `${engine}/seal/seal-to-device.ts`,
      text: 'chacha20poly1305(key, nonce, aad).decrypt(sealed)',
      instead: 'chacha20poly1305(key, nonce.toReversed(), aad).decrypt(sealed)',
      test: [sealToDevice, '[HP1] hold for the one of RFC 9180'],
    },
  ],
  HP2: [
    {
      what: 'a seal is for its purpose',
      file: `${engine}/seal/seal-to-device.ts`,
      text: `\`entente/1 \${purpose}\\n\${of}\\n\${generation}\\n\``,
      instead: `\`entente/1 \${of}\\n\${generation}\\n\``,
      test: [sealToDevice, '[HP2] opens for its purpose'],
    },
    {
      what: 'a seal is for its org or connection',
      file: `${engine}/seal/seal-to-device.ts`,
      text: `\`entente/1 \${purpose}\\n\${of}\\n\${generation}\\n\``,
      instead: `\`entente/1 \${purpose}\\n\${generation}\\n\``,
      test: [sealToDevice, '[HP2] opens for its purpose'],
    },
    {
      what: 'a seal is for its generation',
      file: `${engine}/seal/seal-to-device.ts`,
      text: `\`entente/1 \${purpose}\\n\${of}\\n\${generation}\\n\``,
      instead: `\`entente/1 \${purpose}\\n\${of}\\n\``,
      test: [sealToDevice, '[HP2] opens for its purpose'],
    },
  ],
  HP3: [
    {
      what: 'nothing is sealed to a key of small order',
      file: `${engine}/seal/seal-to-device.ts`,
      text: 'if (!v.is(exchangeKey, exchange)) throw',
      instead: 'if (!v.is(bytes32, exchange)) throw',
      test: [sealToDevice, '[HP3] is not sealed to a key that protects nothing'],
    },
  ],
  SD2: [
    {
      what: 'a decision is of its type',
      file: `${engine}/identity/decision.ts`,
      text: '!header || header.typ !== decisionType(type)',
      instead: '!header',
      test: [decision, '[SD2] is refused as another kind'],
    },
    {
      what: 'an admin’s device has signed where that is asked',
      file: `${engine}/identity/decision.ts`,
      text: "requirement.role === 'admin' && device.role !== 'admin'",
      instead: 'false',
      test: [decision, '[SD2] of an admin is refused'],
    },
    {
      what: 'it is of its org',
      file: `${engine}/identity/decision.ts`,
      text: 'decision.iss !== requirement.org',
      instead: 'false',
      test: [decision, '[SD2] is refused when it names another org'],
    },
    {
      what: 'it speaks for the person of its device',
      file: `${engine}/identity/decision.ts`,
      text: 'decision.by !== device.person',
      instead: 'false',
      test: [decision, '[SD2] is refused when it speaks for another person'],
    },
    {
      what: 'it is of its connection',
      file: `${engine}/identity/decision.ts`,
      text: 'over !== requirement.connection',
      instead: 'false',
      test: [decision, '[SD2] is refused as another kind'],
    },
  ],
  CN13: [
    {
      what: 'both compare the codes once more',
      file: `${engine}/connect/roster-reconciler.ts`,
      text: "await compareAnew(id, 'recovered', org.id)",
      instead: '',
      test: [restore, '[RK4, RK5, CN13]'],
    },
    {
      what: 'the peer compares them, too',
      file: `${engine}/connect/roster-reconciler.ts`,
      text: "if (peer !== undefined) await compareAnew(id, 'peerRecovered', parseOrgId(peer))",
      instead: '',
      test: [restore, '[RK4, RK5, CN13]'],
    },
    {
      what: 'the peer’s confirmation is not given any more',
      file: `${engine}/connect/roster-reconciler.ts`,
      text: ', peerVerified: null }',
      instead: ' }',
      test: [restore, '[RK4, RK5, CN13]'],
    },
    {
      what: 'a confirmation names which comparison it is',
      file: `${engine}/connect/mismatch.ts`,
      text: "return mismatchesTakenBack(connection) + numberOf(connection, 'recovered') + numberOf(connection, 'peerRecovered')",
      instead: 'return mismatchesTakenBack(connection)',
      test: [restore, '[RK4, RK5, CN13]'],
    },
  ],
  RK1: [
    {
      what: 'nothing beside the seal can be changed',
      file: `${engine}/identity/recovery-kit.ts`,
      text: 'JSON.stringify([format, version, org, name, made, N, r, p, salt])',
      instead: 'JSON.stringify([format, version])',
      test: [recovery, 'stays closed to another passphrase'],
    },
  ],
  RK2: [
    {
      what: 'letters that look like digits are read as these',
      file: `${engine}/identity/recovery-kit.ts`,
      text: ".replaceAll('O', '0').replace(/[IL]/g, '1')",
      instead: '',
      test: [recovery, ': opens as the vectors say'],
    },
    {
      what: 'case, spaces and dashes do not matter',
      file: `${engine}/identity/recovery-kit.ts`,
      text: ".replace(/[\\s-]/g, '')",
      instead: '',
      test: [recovery, 'holds the root key alone'],
    },
    {
      what: 'no file keeps the page busy',
      file: `${engine}/identity/recovery-kit.ts`,
      text: 'v.maxValue(mostN)',
      instead: 'v.maxValue(2 ** 40)',
      test: [recovery, 'stays closed to another passphrase'],
    },
  ],
  RK3: [
    {
      what: 'the root key goes once the kit was saved',
      file: `${engine}/recovery/recovery.ts`,
      text: 'await identity.letRootGo()',
      instead: '',
      test: [recovery, 'holds the root key alone'],
    },
    {
      what: 'it goes once the first roster was signed at the first welcome',
      file: `${engine}/identity/identity.ts`,
      text: 'kept.isKitSaved === true && isShown ?',
      instead: 'kept.isKitSaved === true ?',
      test: [recovery, '[RK3, ID4] goes with the first session'],
    },
    {
      what: 'the file is the org’s kit',
      file: `${engine}/recovery/recovery.ts`,
      text: 'if (!isHeld) throw',
      instead: 'if (false) throw',
      test: [recovery, '[RK3] is not a file that someone else'],
    },
    {
      what: 'a device that joins has no root key',
      file: `${engine}/identity/identity.ts`,
      text: 'return { ...kept, root: { publicJwk, thumbprint } }',
      instead: 'return identity',
      test: [recovery, 'holds the root key alone'],
    },
  ],
  RK4: [
    {
      what: 'it names the others, too, where they are not gone',
      file: `${engine}/recovery/restore.ts`,
      text: 'const others = alone ? [] :',
      instead: 'const others = alone || !alone ? [] :',
      test: [restore, '[RK4, RK5, CN13]'],
    },
    {
      what: 'it names none of those that are gone',
      file: `${engine}/recovery/restore.ts`,
      text: 'const others = alone ? [] :',
      instead: 'const others =',
      test: [restore, 'shuts the lost device out'],
    },
    {
      what: 'the root key stays in the kit',
      file: `${engine}/identity/identity.ts`,
      text: 'root: { publicJwk: rootKey, thumbprint: org }, founding',
      instead: "root: { publicJwk: rootKey, thumbprint: org }, recovery: 'kept', founding",
      test: [restore, '[RK4, RK5, CN13]'],
    },
  ],
  RK5: [
    {
      what: 'a restored device publishes in its team only',
      file: `${engine}/recovery/age.ts`,
      text: "this.isOpen ? 'team' : 'all'",
      instead: "'all'",
      test: [restore, '[RK5] publishes to no connection'],
    },
    {
      what: 'it signs no head',
      file: `${engine}/heads/signer.ts`,
      text: '!this.#isHeld() && ',
      instead: '',
      test: [restore, '[RK5]'],
    },
    {
      what: 'it takes and makes rotations of its org',
      file: `${engine}/engine.ts`,
      text: 'reconcilers.add(ownRotationReconciler(leader), true)',
      instead: 'reconcilers.add(ownRotationReconciler(leader))',
      test: [restore, '[RK5, RT9, HD5] reads on'],
    },
    {
      what: 'and those of its connections',
      file: `${engine}/engine.ts`,
      text: 'reconcilers.add(connectionRotationReconciler(leader), true)',
      instead: 'reconcilers.add(connectionRotationReconciler(leader))',
      test: [restore, '[RK5, RT4] has what'],
    },
    {
      what: 'without such a head its age is open',
      file: `${engine}/recovery/restore.ts`,
      text: 'isUnconfirmed ? [{ put: unconfirmedKey, value: true }] : []',
      instead: '[]',
      test: [restore, '[RK5] publishes to no connection'],
    },
  ],
  RK6: [
    {
      what: 'each rotation lets the next one be read',
      file: `${engine}/recovery/read-team.ts`,
      text: 'while (await takeRotations(replica, kit, rosters))',
      instead: 'while (false)',
      test: [restore, '[RK6] reads what was sealed after a rotation'],
    },
  ],
  RK7: [
    {
      what: 'a piece has its place',
      file: `${engine}/recovery/backup.ts`,
      text: 'new DataView(bytes.buffer).setUint32(16, count)',
      instead: '',
      test: [backup, '[RK7] that was cut, changed or lengthened'],
    },
    {
      what: 'the last piece says so',
      file: `${engine}/recovery/backup.ts`,
      text: 'bytes[23] = isLast ? 1 : 0',
      instead: '',
      test: [backup, '[RK7] that was cut, changed or lengthened'],
    },
    {
      what: 'the header is bound',
      file: `${engine}/recovery/backup.ts`,
      text: 'nonceOf(nonce, count, isLast), header)',
      instead: 'nonceOf(nonce, count, isLast))',
      test: [backup, '[RK7] that was cut, changed or lengthened'],
    },
    {
      what: 'who brings another kit is told so',
      file: `${engine}/recovery/backup.ts`,
      text: 'if (org !== kit.org || sealedTo !== own.public)',
      instead: 'if (false)',
      test: [backup, '[RK7] that was cut, changed or lengthened'],
    },
  ],
  RK8: [
    {
      what: 'what decides in the team’s rows is judged',
      file: `${engine}/recovery/read-team.ts`,
      text: 'replica.judgeBy(judge)',
      instead: '',
      test: [restore, '[RK8, DR2] takes no decision over'],
    },
    {
      what: 'what decides in a backup is judged',
      file: `${engine}/recovery/read-team.ts`,
      text: '(await judge.admit(unjudged)).rows.flatMap(editsOf)',
      instead: 'unjudged.flatMap(editsOf)',
      test: [backup, '[RK8, DR2] holds decisions'],
    },
    {
      what: 'by the highest roster before the root key signs',
      file: `${engine}/recovery/read-team.ts`,
      text: 'await replica.judgeAgain()',
      instead: '',
      test: [restore, '[RK8'],
    },
    {
      what: 'what a device that is shut out decided is signed anew',
      file: `${engine}/decide/decisions.ts`,
      text: 'const isAll = this.#isStale',
      instead: 'const isAll = false',
      test: [decisions, 'what Ada decided stands'],
    },
  ],
}

/** All entries, each with its name. */
export function allLeftOut(): readonly NamedLeftOut[] {
  return Object.entries(leftOut).flatMap(([rule, entries]) =>
    typeof entries === 'string' ? [] : entries.map((entry, index) => ({ ...entry, rule, name: `${rule}/${index + 1}` })),
  )
}

/** @throws Error where the table has no entry of this name */
export function leftOutNamed(name: string): NamedLeftOut {
  const found = allLeftOut().find((entry) => entry.name === name)
  if (!found) throw new Error(`The table of what can be left out has no ${name}.`)
  return found
}
