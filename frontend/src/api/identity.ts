/** The API types of accounts, credentials and the audit log, under the dashboard's names. */
import type { Schemas } from '@/api/wire';

export { AUDIT_ACTIONS, PLANS, ROLES, SCOPES } from '@/api/enums.generated';

export type Role = Schemas['Role'];
export type Scope = Schemas['AccessScope'];
export type Plan = Schemas['Plan'];

export type Me = Schemas['Me'];
/** What a browser without a session has to do. */
export type AuthState = Schemas['AuthState'];
export type Credentials = Schemas['SignInRequest'];
/** The first account, with the code from the server's log. */
export type NewSetup = Schemas['SetupRequest'];
export type NewPassword = Schemas['PasswordRequest'];
export type Session = Schemas['ListedSession'];

export type User = Schemas['User'];
export type UserChange = Schemas['UserChange'];
export type Invitation = Schemas['Invitation'];
export type NewInvitation = Schemas['NewInvitation'];
export type AcceptedInvitation = Schemas['AcceptedInvitation'];
/** An invitation with its token, which is shown only once. */
export type CreatedInvitation = Schemas['CreatedInvitation'];
/** A link that sets a new password, made by an admin. */
export type CreatedReset = Schemas['CreatedReset'];

export type ApiKey = Schemas['ApiKey'];
export type ApiKeyUsage = Schemas['ApiKeyUsage'];
export type NewApiKey = Schemas['NewApiKey'];
/** A key that was just made, whole, which is shown only once. */
export type CreatedApiKey = Schemas['CreatedApiKey'];
export type Client = Schemas['Client'];
export type NewClient = Schemas['NewClient'];
/** A client with its secret, which is shown only once. */
export type RevealedClient = Schemas['RevealedClient'];

export type AuditEntry = Schemas['AuditLog'];
export type AuditPage = Schemas['Page_AuditLog'];
