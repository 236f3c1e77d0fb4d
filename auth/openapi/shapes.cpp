// The named shapes of the API document.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto api_shapes = std::to_array<NamedShape>({
    {"CustomError", "{error:text message?:text status:integer retryAfterSec?:integer}"},
    {"NativeError", "{message:text code?:text}"},
    {"GuardedError",
     "{error?:text|null message?:text code?:text statusCode?:integer details?:text[] hint?:text "
     "missing?:{actions:integer ratings:integer}}"},

    {"Tier", "word(guest,public,beta,alpha,founder)"},
    {"User",
     "{id:text name:text email:email emailVerified:flag image:text|null createdAt:time "
     "updatedAt:time twoFactorEnabled:flag accessTier:Tier kind:word(human,persona,system) "
     "role:word(user,admin,service)}"},
    {"Session",
     "{id:text token:text userId:text expiresAt:time createdAt:time updatedAt:time "
     "ipAddress:text userAgent:text activeOrganizationId:text|null}"},
    {"Tokens", "{accessToken:text refreshToken?:text}"},
    {"SecondStep", "{twoFactorRedirect:flag twoFactorMethods:word(totp,otp)[] challengeId?:text}"},
    {"Claims",
     "{iat:integer sub:text email:email role:text sid:text tier:Tier exp:integer iss:text "
     "aud:text kind?:word(human,persona,system)}"},
    {"Key", "{kid:text alg:text kty:text crv:text x:text use?:text}"},
    {"Event",
     "{id:text userId:text eventType:text ipAddress:text|null userAgent:text|null "
     "metadata:object createdAt:time}"},
    {"OwnSession",
     "{id:text createdAt:time expiresAt:time lastActivityAt:time ipAddress:text userAgent:text "
     "current:flag}"},
    {"ApiKey",
     "{id:text name:text keyPrefix:text scopes:text[] "
     "rateLimit:{requests:integer window:integer} createdAt:time lastUsedAt:time|null "
     "revokedAt:time|null}"},
    {"NewApiKey",
     "{id:text name:text keyPrefix:text scopes:text[] "
     "rateLimit:{requests:integer window:integer} createdAt:time lastUsedAt:null revokedAt:null "
     "key:text}"},

    {"Passkey",
     "{id:text name:text|null userId:text credentialID:text publicKey:text counter:integer "
     "deviceType:word(singleDevice,multiDevice) backedUp:flag transports:text aaguid:text "
     "createdAt:time}"},
    {"PasskeyHint", "{id:text type:text transports?:text[]}"},
    {"PasskeyCreation",
     "{challenge:text rp:{name:text id:text} user:{id:text name:text displayName:text} "
     "pubKeyCredParams:{alg:integer type:text}[] timeout:integer attestation:text "
     "excludeCredentials:PasskeyHint[] authenticatorSelection:{residentKey:text "
     "userVerification:text requireResidentKey:flag authenticatorAttachment?:text} "
     "extensions:{credProps:flag} hints:text[]}"},
    {"PasskeyRequest",
     "{rpId:text challenge:text timeout:integer userVerification:text "
     "allowCredentials?:PasskeyHint[]}"},

    {"SpaceMetadata",
     "{type?:word(personal,brand,club,family,team,practice) tier?:Tier voiceDoc?:text "
     "legalEntity?:text uid?:text aiPersonaId?:text ...}"},
    {"Space",
     "{id:text name:text slug:text|null logo:text|null metadata:SpaceMetadata createdAt:time}"},
    {"Member", "{id:text organizationId:text userId:text role:text createdAt:time}"},
    {"MemberWithUser",
     "{id:text organizationId:text userId:text role:text createdAt:time "
     "user:{id:text name:text email:email image:text|null}}"},
    {"Invitation",
     "{id:text organizationId:text email:email role:text "
     "status:word(pending,accepted,rejected,canceled) expiresAt:time createdAt:time "
     "inviterId:text}"},
    {"ReceivedInvitation",
     "{id:text organizationId:text email:email role:text "
     "status:word(pending,accepted,rejected,canceled) expiresAt:time createdAt:time "
     "inviterId:text organizationName:text organizationSlug?:text|null inviterEmail?:email}"},
    {"FullSpace",
     "{id:text name:text slug:text|null logo:text|null metadata:SpaceMetadata createdAt:time "
     "invitations:Invitation[] members:MemberWithUser[]}"},
    {"NewSpace",
     "{id:text name:text slug:text|null logo:text|null metadata:SpaceMetadata createdAt:time "
     "members:Member[]}"},

    {"Settings", "{success:flag globalSettings:object appOverrides:object deviceSettings:object}"},
    {"Project",
     "{projectId:text projectName:text icon:text available:flag error?:text "
     "entities:{entity:text count:integer label:text}[] totalCount:integer lastActivityAt?:time}"},
    {"UserData",
     "{user:{id:text email:email name:text role:text createdAt:time emailVerified:flag} "
     "auth:{sessionsCount:integer accountsCount:integer has2FA:flag lastLoginAt:time|null} "
     "credits:{balance:number totalEarned:number totalSpent:number transactionsCount:number "
     "available:flag} projects:Project[] totals:{totalEntities:integer projectsWithData:integer}}"},
    {"Erased",
     "{success:flag deletedFromProjects:{projectId:text projectName:text success:flag "
     "queued?:flag deletedCount:integer}[] deletedFromAuth:{sessions:integer accounts:integer "
     "credits:integer creditsQueued:flag user:flag} totalDeleted:integer}"},
    {"UserTier", "{id:text email:email accessTier:Tier}"},

    {"Persona",
     "{userId:text email:email name:text archetype:text systemPrompt:text moduleMix:object "
     "tickCadence:word(hourly,daily,weekdays) lastActiveAt:time|null}"},
    {"OwnedPersona",
     "{userId:text email:email name:text archetype:text systemPrompt:text moduleMix:object "
     "tickCadence:word(hourly,daily,weekdays) lastActiveAt:time|null createdAt:time "
     "nextDueAt:time visiting:flag}"},
    {"ListedPersona",
     "{userId:text email:email name:text archetype:text "
     "tickCadence:word(hourly,daily,weekdays) lastActiveAt:time|null createdAt:time "
     "actions7d:integer nextDueAt:time visiting:flag counts:PersonaCounts}"},
    {"PersonaCounts", "{visits:integer actions:integer ratings:integer}"},
    {"RecentAction",
     "{id:text personaId:text tickId:text toolName:text inputHash:text|null "
     "result:word(ok,error) errorMessage:text|null latencyMs:integer|null createdAt:time "
     "seq:integer|null module:text|null outcome:text input:object|null}"},
    {"ModuleMean", "{module:text avgRating:number|null n:integer unrated:integer}"},
    {"ClaimedVisit",
     "{tickId:text attempt:integer slot:time startedAt:time deadline:time persona:Persona "
     "spentUsd?:number}"},
    {"Action",
     "{tickId:text(1,255) seq?:integer|null startedAt?:time|null module?:text|null "
     "toolName:text inputHash?:text|null input?:object|null result:word(ok,error) "
     "outcome?:text|null errorMessage?:text|null latencyMs?:integer|null}"},
    {"Rating",
     "{tickId:text(1,255) module:text status?:text|null rating?:integer(1,5)|null "
     "notes?:text|null evidence?:integer[]|null}"},
    {"Stored", "{ok:flag written:integer inserted:integer known:integer differing:integer}"},
    {"VisitEnd",
     "{status:text reason?:text|null errorSource?:text|null turns:integer toolCalls:integer "
     "counts:{actions:integer ratings:integer} tokens:{input:integer output:integer "
     "cacheWrite?:integer|null cacheRead?:integer|null} costUsd?:number|null model?:text|null "
     "product?:{name?:text|null version?:text|null}|null summary?:text|null "
     "handedBack?:flag|null notBefore?:time|null}"},
    {"Standing",
     "{pausesCount:integer quarantinedCount:integer skipped24h:integer "
     "pauses:{scope:word(all,archetype,persona) archetype?:text email?:text since:time}[] "
     "quarantined:{email:email slot:time since:time}[] skipped:{email:email slot:time "
     "slots:integer reason:text attempts:integer givenUpAt:time}[]}"},
});

}  // namespace

std::span<const NamedShape> named_shapes() {
    return api_shapes;
}

}  // namespace auth
