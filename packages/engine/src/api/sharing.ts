import type { ConnectionId } from '@entente/protocol'
import type { Rule } from '../query/sharing-rule.js'
import type { ObjectName } from '../schema/schema.js'

/**
 * Which of the vendor's records a partner sees on the partner site.
 *
 * @example
 * ```ts
 * await vendor.sharing.setRule(connection, 'Opportunity', {
 *   match: 'all',
 *   conditions: [{ field: 'StageName', operator: 'notEquals', value: 'Closed Lost' }],
 *   added: [],
 *   hidden: [],
 * })
 * console.log(vendor.sharing.visible(connection, 'Opportunity').length) // 1
 * ```
 */
export interface SharingApi {
  /** Undefined if none was set: then the partner sees no record of the object. */
  rule(connection: ConnectionId, object: ObjectName): Rule | undefined

  /**
   * Sets the rule, as an admin of the vendor. Listings of records that it shows no more are taken back (rule SH1).
   *
   * @throws EngineError NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled; NOT_ALLOWED for the partner or a member; INVALID
   * for a condition that cannot be applied, or more than 50; SIZE for a rule over 64 KiB
   */
  setRule(connection: ConnectionId, object: ObjectName, rule: Rule): Promise<void>

  /** Ids of the own records that the partner sees now. Empty for the partner. */
  visible(connection: ConnectionId, object: ObjectName): readonly string[]

  /** How many of the own records a rule would show. A condition that cannot be applied shows none. */
  count(connection: ConnectionId, object: ObjectName, rule: Rule): number
}
