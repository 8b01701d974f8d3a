# The environment of the jobs: docker build -t gravispec .
FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends git libgomp1 make && rm -rf /var/lib/apt/lists/*
WORKDIR /gravispec
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
ENV PYTHONPATH=/gravispec
