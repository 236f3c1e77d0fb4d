// The named shapes of the API document.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto api_shapes = std::to_array<NamedShape>({
    {"CustomError", "{error:text message?:text status:integer retryAfterSec?:integer}"},
    {"NativeError", "{message:text code?:text}"},
    {"GuardedError", "{error?:text|null message?:text code?:text statusCode?:integer}"},

    {"Tier", "word(guest,public,beta,alpha,founder)"},
    {"User",
     "{id:text name:text email:email emailVerified:flag image:text|null createdAt:time "
     "updatedAt:time twoFactorEnabled:flag accessTier:Tier kind:word(human,persona,system) "
     "role:word(user,admin,service)}"},
    {"Session",
     "{id:text token:text userId:text expiresAt:time createdAt:time updatedAt:time "
     "ipAddress:text userAgent:text activeOrganizationId:text|null}"},
    {"Tokens", "{accessToken:text refreshToken?:text}"},

    {"SpaceMetadata",
     "{type?:word(personal,brand,club,family,team,practice) tier?:Tier voiceDoc?:text "
     "legalEntity?:text uid?:text aiPersonaId?:text}"},
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
});

}  // namespace

std::span<const NamedShape> named_shapes() {
    return api_shapes;
}

}  // namespace auth
