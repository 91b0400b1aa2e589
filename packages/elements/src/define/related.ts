import './external.js'
import './shares.js'
import { defineElement } from '../base/define-element.js'
import { EntenteRelated } from '../related/related.js'

defineElement('entente-related', EntenteRelated)

declare global {
  interface HTMLElementTagNameMap {
    'entente-related': EntenteRelated
  }
}
