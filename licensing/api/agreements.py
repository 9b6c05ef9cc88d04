"""Agreements and twins out, as their licensees may read them."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, pagination, serializers

from licensing.models import Agreement, ApiKey, Grant, Production
from licensing.wire.names import Prefix, name_of
from talent.models import DigitalTwin

from .callers import rows_visible_to

PAGE = 100


class ByNumber(pagination.CursorPagination):
    """Pages that stay where they are while rows are added."""

    page_size = PAGE
    ordering = "pk"


class GrantSerializer(serializers.ModelSerializer):
    """What an agreement licenses; a null list is anywhere."""

    class Meta:
        model = Grant
        fields = ["right", "use", "territories", "languages", "channels", "real_time"]


class ProductionSerializer(serializers.ModelSerializer):
    """A title that an agreement is for."""

    id = serializers.SerializerMethodField()

    class Meta:
        model = Production
        fields = ["id", "title", "eidr", "isan"]

    def get_id(self, production) -> str:
        return name_of(Prefix.PRODUCTION, production.pk)


class AgreementSerializer(serializers.ModelSerializer):
    """An agreement as its licensee may read it; without productions it is for all of theirs."""

    id = serializers.SerializerMethodField()
    agency = serializers.CharField(source="agency.name")
    twin = serializers.SerializerMethodField()
    productions = ProductionSerializer(many=True)
    grants = GrantSerializer(many=True)

    class Meta:
        model = Agreement
        fields = [
            "id", "reference", "agency", "twin", "status", "signed_at", "starts_at", "ends_at",
            "currency", "time_zone", "rating_period", "productions", "grants",
        ]  # fmt: skip

    def get_id(self, agreement) -> str:
        return name_of(Prefix.AGREEMENT, agreement.pk)

    def get_twin(self, agreement) -> str:
        return name_of(Prefix.TWIN, agreement.twin_id)


@extend_schema_view(get=extend_schema(operation_id="agreements", summary="Agreements"))
class AgreementsView(generics.ListAPIView):
    """The caller's agreements with the agency whose key it holds."""

    serializer_class = AgreementSerializer
    pagination_class = ByNumber
    queryset = Agreement.objects.select_related("agency").prefetch_related("productions", "grants")

    def get_queryset(self):
        return rows_visible_to(self.request, super().get_queryset())


class TwinSerializer(serializers.ModelSerializer):
    """A twin as its licensees know it."""

    id = serializers.SerializerMethodField()

    class Meta:
        model = DigitalTwin
        fields = ["id", "name", "hand_id", "tier", "legal_class", "status"]

    def get_id(self, twin) -> str:
        return name_of(Prefix.TWIN, twin.pk)


@extend_schema_view(get=extend_schema(operation_id="twins", summary="Twins"))
class TwinsView(generics.ListAPIView):
    """Twins that the caller's agreements license."""

    serializer_class = TwinSerializer
    pagination_class = ByNumber
    queryset = DigitalTwin.objects.all()

    def get_queryset(self):
        twins = super().get_queryset()
        if not isinstance(self.request.auth, ApiKey):
            return twins.visible_to(self.request.user)
        agreements = rows_visible_to(self.request, Agreement.objects.all())
        return twins.filter(pk__in=agreements.values("twin"))
