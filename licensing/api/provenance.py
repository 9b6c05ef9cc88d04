"""Whether a build that a licensee may use is provably clean, told without anybody's names."""

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.models import Agreement, ApiKey
from licensing.wire.names import Prefix, name_of
from talent.models import Build
from talent.provenance import answers, question
from talent.words import Answer

from .callers import number_of_row, rows_visible_to


class CleanFindingSerializer(serializers.Serializer):
    """Something that is not proved, and what would prove it."""

    clean = serializers.ChoiceField(Answer.choices(), source="answer")
    code = serializers.CharField()
    text = serializers.CharField()
    remedy = serializers.CharField()
    path = serializers.ListField(
        child=serializers.CharField(), help_text="From there to the build, by number."
    )
    files = serializers.IntegerField(help_text="How many files it is about.")


class CleanAnswerSerializer(serializers.Serializer):
    """The answer as of now."""

    build = serializers.CharField(help_text="B3")
    version = serializers.CharField()
    clean = serializers.ChoiceField(Answer.choices(), source="answer")
    asked_at = serializers.DateTimeField()
    findings = CleanFindingSerializer(many=True)
    more_findings = serializers.IntegerField()


class BuildProvenanceView(APIView):
    """Says whether a build of a twin that the caller's agreements license is provably clean."""

    @extend_schema(
        operation_id="build_provenance",
        summary="Is a build provably clean?",
        description=(
            "Judged anew on what the desk knows now; nothing is kept of the question. "
            "Not known is not clean. Datasets, people and files are told by number."
        ),
        responses={200: CleanAnswerSerializer},
    )
    def get(self, request, pk: int) -> Response:
        build = _builds_of(request).filter(pk=number_of_row(pk)).first()
        if build is None:
            raise Http404
        now = timezone.now()
        told = answers.as_data(question.ask(build_id=build.pk, agency_id=None, at=now))
        answer = told | {
            "build": name_of(Prefix.BUILD, build.pk),
            "version": build.version,
            "asked_at": now,
        }
        return Response(CleanAnswerSerializer(answer).data, headers={"Cache-Control": "no-store"})


def _builds_of(request) -> QuerySet[Build]:
    """Return the builds of the twins that a key's agreements license, or that a user may see."""
    if not isinstance(request.auth, ApiKey):
        return Build.objects.visible_to(request.user)
    agreements = rows_visible_to(request, Agreement.objects.all())
    return Build.objects.filter(twin__in=agreements.values("twin"))
