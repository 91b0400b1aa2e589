import { defineElement } from '../base/define-element.js'
import { EntenteConnect } from '../connect/connect.js'

defineElement('entente-connect', EntenteConnect)

declare global {
  interface HTMLElementTagNameMap {
    'entente-connect': EntenteConnect
  }
}
